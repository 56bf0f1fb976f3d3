//! Flat parameters, typed requests and the published table agree.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::collections::BTreeSet;

use eci_api::action::Action;
use eci_api::actions::create_container_group::CreateContainerGroup;
use eci_api::error::ErrorCode;
use eci_api::query::{from_pairs, parse_form, to_pairs};
use eci_api::validate;
use proptest::prelude::*;

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn create(rows: &[(&str, &str)]) -> CreateContainerGroup {
    from_pairs(&pairs(rows)).unwrap()
}

/// A value that an operation's parameter of this type takes.
fn sample(parameter: &validate::Parameter) -> Option<String> {
    Some(match parameter.kind.as_str() {
        "string" => parameter.values.first().cloned().unwrap_or_else(|| "text".to_owned()),
        "boolean" => "true".to_owned(),
        "int32" | "int64" | "integer" => parameter.min.map_or_else(|| "1".to_owned(), |min| min.to_string()),
        "float" | "double" => "0.5".to_owned(),
        _ => return None,
    })
}

/// Every scalar parameter of an operation, set.
fn everything(action: &str) -> Vec<(String, String)> {
    let numbered = |name: &str| {
        name.split('.').map(|part| if part == "N" { "1" } else { part }).collect::<Vec<_>>().join(".")
    };
    let with_value = |p: &validate::Parameter| Some((numbered(&p.name), sample(p)?));
    let all = validate::parameters(action);
    let has_members =
        |p: &validate::Parameter| all.iter().any(|o| o.name.starts_with(&format!("{}.", p.name)));
    all.iter().filter(|p| !p.name.contains(['<', '#']) && !has_members(p)).filter_map(with_value).collect()
}

macro_rules! every_parameter_survives {
    ($($action:path),*) => {
        #[test]
        fn every_published_parameter_of_every_operation_survives_reading_and_writing() {
            let mut seen = BTreeSet::new();
            $(
                let name = <$action as Action>::NAME;
                let given = everything(name);
                let request: $action = from_pairs(&given).unwrap_or_else(|e| panic!("{name}: {e}"));
                let written = to_pairs(&request).unwrap();
                let (given, written) = (given.into_iter().collect(), written.into_iter().collect());
                let lost: Vec<_> = BTreeSet::symmetric_difference(&given, &written).collect();
                assert!(lost.is_empty(), "{name}: {lost:?}");
                seen.insert(name);
            )*
            assert_eq!(seen, validate::actions().collect::<BTreeSet<_>>());
        }
    };
}
eci_api::every_action!(every_parameter_survives);

#[test]
fn booleans_are_read_in_any_case() {
    for text in ["true", "True", "TRUE"] {
        assert_eq!(create(&[("AutoMatchImageCache", text)]).auto_match_image_cache, Some(true));
    }
}

#[test]
fn sizes_are_read_exactly_in_every_client_s_writing() {
    for text in ["0.5", "0.50", "0.500000", "5e-1"] {
        assert_eq!(create(&[("Cpu", text)]).cpu.unwrap().to_string(), "0.5", "{text}");
    }
}

#[test]
fn indexes_are_sorted_as_numbers_and_holes_are_skipped() {
    let group = create(&[("Container.10.Name", "c"), ("Container.2.Name", "b"), ("Container.1.Name", "a")]);
    let names: Vec<_> = group.container.iter().filter_map(|c| c.name.as_deref()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn what_one_sdk_writes_for_a_probe_that_is_not_there_is_no_probe() {
    let fault = ("Container.1.ReadinessProbe.Exec.Command", "<[]string Value>");
    let group = create(&[("Container.1.Name", "a"), fault]);
    assert_eq!(group.container[0].readiness_probe, None);
}

#[test]
fn unknown_parameters_are_ignored_and_named() {
    let given = pairs(&[("Cpu", "1"), ("Surprise.1.X", "y"), ("Container.1.Name", "a")]);
    assert!(from_pairs::<CreateContainerGroup>(&given).is_ok());
    assert_eq!(validate::unknown("CreateContainerGroup", &given), ["Surprise.1.X"]);
    let member = pairs(&[("Container.1.Surprise", "y"), ("Container.1.Port.2.Port", "80")]);
    assert_eq!(validate::unknown("CreateContainerGroup", &member), ["Container.1.Surprise"]);
    let keys = pairs(&[("DataSource.Options.#3#url", "x"), ("DataSource.Options.url", "x")]);
    assert!(validate::unknown("CreateDataCache", &keys).is_empty());
}

#[test]
fn a_map_is_read_with_plain_and_with_counted_keys() {
    for key in ["DataSource.Options.url", "DataSource.Options.#3#url"] {
        let request: eci_api::actions::CreateDataCache = from_pairs(&pairs(&[(key, "x")])).unwrap();
        assert_eq!(request.data_source.unwrap().options["url"], "x", "{key}");
    }
}

#[test]
fn a_structure_is_read_from_one_json_text() {
    let given = pairs(&[("DestinationResource", r#"{"Category":"InstanceType","Cores":2}"#)]);
    let request: eci_api::actions::DescribeAvailableResource = from_pairs(&given).unwrap();
    assert_eq!(request.destination_resource.unwrap().category.as_deref(), Some("InstanceType"));
}

#[test]
fn a_wrong_value_is_told_with_its_full_name_and_what_it_should_be() {
    let error =
        from_pairs::<CreateContainerGroup>(&pairs(&[("Container.3.Port.2.Port", "http")])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter Container.3.Port.2.Port: `http` should be a whole number that fits 32 bits"
    );
}

#[test]
fn a_wrong_value_inside_json_is_told_with_its_full_name() {
    let given = pairs(&[("DestinationResource", r#"{"Category":"InstanceType","Cores":"two"}"#)]);
    let error = from_pairs::<eci_api::actions::DescribeAvailableResource>(&given).unwrap_err();
    assert_eq!(error.parameter, "DestinationResource.Cores");
}

#[test]
fn a_text_where_a_structure_is_meant_is_told() {
    let given = pairs(&[("DestinationResource", "InstanceType")]);
    let error = from_pairs::<eci_api::actions::DescribeAvailableResource>(&given).unwrap_err();
    assert!(error.to_string().ends_with("should be a structure: its members one by one, or one JSON object"));
}

#[test]
fn a_map_keeps_the_dots_in_its_keys_and_is_read_from_one_json_text() {
    for (name, value) in [
        ("DataSource.Options.a.b", "x"),
        ("DataSource.Options.#3#a.b", "x"),
        ("DataSource.Options", r#"{"a.b": "x"}"#),
        ("DataSource", r#"{"Options": {"a.b": "x"}}"#),
    ] {
        let request: eci_api::actions::CreateDataCache = from_pairs(&pairs(&[(name, value)])).unwrap();
        assert_eq!(request.data_source.unwrap().options["a.b"], "x", "{name}={value}");
    }
}

#[test]
fn an_empty_text_is_absent_for_all_but_texts() {
    let names =
        ["Cpu", "ActiveDeadlineSeconds", "AutoCreateEip", "Container.1.Cpu", "Container.1.LivenessProbe"];
    let empty: Vec<_> = names.iter().map(|name| (*name, "")).collect();
    assert_eq!(create(&empty), CreateContainerGroup::default());
    assert_eq!(create(&[("Tag.1.Value", "")]).tag[0].value.as_deref(), Some(""));
}

#[test]
fn members_that_nobody_knows_make_no_structure() {
    let rows = [("Container.1.LivenessProbe.Surprise", "x"), ("Container.1.Name", "a")];
    assert_eq!(create(&rows).container[0].liveness_probe, None);
}

#[test]
fn a_request_of_absurd_size_is_refused_and_an_absurd_name_is_ignored() {
    let many = vec![("Cpu".to_owned(), "1".to_owned()); eci_api::query::PAIRS_MAX + 1];
    assert!(from_pairs::<CreateContainerGroup>(&many).unwrap_err().to_string().contains("20000 at most"));
    let deep = format!("Container.1{}", ".a".repeat(100_000));
    let rows =
        [(deep.as_str(), "x"), ("Container.4294967295.Name", "a"), ("Container.99999999999.Name", "b")];
    let names: Vec<_> = create(&rows).container.into_iter().filter_map(|c| c.name).collect();
    assert_eq!(names, ["a"]);
}

#[test]
fn the_last_of_equal_names_wins() {
    assert_eq!(create(&[("Cpu", "1"), ("Cpu", "2")]).cpu.unwrap().to_string(), "2");
}

#[test]
fn a_number_is_exact_to_its_last_digit_as_a_parameter() {
    let rows = [("Cpu", "0.1234567890123456789012345")];
    assert_eq!(to_pairs(&create(&rows)).unwrap(), pairs(&rows));
}

#[test]
fn a_number_is_written_to_json_as_it_is() {
    let number: eci_api::Number = "0.00012252".parse().unwrap();
    assert_eq!(serde_json::to_string(&number).unwrap(), "0.00012252");
    assert_eq!(serde_json::from_str::<eci_api::Number>("0.00012252").unwrap(), number);
}

#[test]
fn the_table_finds_what_is_missing_wrong_or_out_of_bounds() {
    let full = [("RegionId", "cn-hangzhou"), ("ContainerGroupName", "test")];
    let long = "x".repeat(256);
    for (more, code, word) in [
        (vec![("Container.1.Name", "a")], ErrorCode::MISSING_PARAMETER, "Container.1.Image"),
        (vec![], ErrorCode::MISSING_PARAMETER, "Container.N"),
        (
            vec![("Container.1.Name", "a"), ("Container.1.Image", long.as_str())],
            ErrorCode::INVALID_PARAMETER,
            "at most 255",
        ),
        (
            vec![("Container.1.Name", "a"), ("Container.1.Image", "i"), ("ActiveDeadlineSeconds", "soon")],
            ErrorCode::INVALID_PARAMETER,
            "ActiveDeadlineSeconds",
        ),
    ] {
        let given = pairs(&[full.as_slice(), &more].concat());
        let problems = validate::check("CreateContainerGroup", &given);
        let found = problems.iter().any(|p| p.code() == code && p.to_string().contains(word));
        assert!(found, "{word}: {problems:?}");
    }
}

#[test]
fn what_is_mandatory_in_a_structure_may_come_in_its_json_text() {
    let problems = |json: &str| {
        let rows = [("RegionId", "cn-hangzhou"), ("DestinationResource", json)];
        validate::check("DescribeAvailableResource", &pairs(&rows))
    };
    assert_eq!(problems(r#"{"Category": "InstanceType"}"#), []);
    assert_eq!(
        problems("{}"),
        [validate::ParameterError::Missing("DestinationResource.Category".to_owned())]
    );
    assert!(problems("[").iter().any(|p| p.to_string().ends_with("`[` should be a JSON object.")));
    assert!(
        problems(r#"{"Category": "InstanceType", "Cores": "two"}"#)[0]
            .to_string()
            .contains("DestinationResource.Cores")
    );
}

#[test]
fn a_list_that_is_too_long_is_told() {
    let names: Vec<_> = (1..=42).map(|n| format!("Container.{n}.Name")).collect();
    let given: Vec<_> = names.iter().map(|name| (name.clone(), "a".to_owned())).collect();
    let problems = validate::check("CreateContainerGroup", &given);
    assert!(
        problems.iter().any(|p| matches!(p, validate::ParameterError::Items { count: 42, max: 41, .. })),
        "{problems:?}"
    );
}

/// Any parameters of an operation with any values that fit them, each list with up to three items.
fn requests(action: &'static str) -> impl Strategy<Value = Vec<(String, String)>> {
    let table: Vec<_> = everything(action).into_iter().map(|(name, _)| name).collect();
    let kind = |name: &str| {
        let general = name.replace(".1", ".N");
        validate::parameters(action)
            .iter()
            .find(|p| p.name == general)
            .map(|p| p.kind.as_str())
            .unwrap_or("string")
    };
    let row = prop::sample::select(table).prop_flat_map(move |name| {
        let value = match kind(&name) {
            "boolean" => prop::sample::select(vec!["true", "False", ""]).prop_map(str::to_owned).boxed(),
            "int32" | "int64" | "integer" => any::<i32>().prop_map(|n| n.to_string()).boxed(),
            "float" | "double" => "[0-9]{1,9}(\\.[0-9]{1,15})?".boxed(),
            _ => ".{0,12}".boxed(),
        };
        (value, prop::collection::vec(1..4u8, 4)).prop_map(move |(value, indexes)| {
            let mut indexes = indexes.into_iter();
            let part = |part: &str| {
                if part == "1" { indexes.next().unwrap_or(1).to_string() } else { part.to_owned() }
            };
            (name.split('.').map(part).collect::<Vec<_>>().join("."), value)
        })
    });
    prop::collection::vec(row, 0..40)
}

proptest! {
    #[test]
    fn a_request_survives_writing_and_reading(rows in requests("CreateContainerGroup")) {
        let request: CreateContainerGroup = from_pairs(&rows).unwrap();
        let written = to_pairs(&request).unwrap();
        prop_assert_eq!(from_pairs::<CreateContainerGroup>(&written).unwrap(), request);
    }

    #[test]
    fn the_order_of_parameters_means_nothing(mut rows in requests("CreateContainerGroup")) {
        rows.sort();
        rows.dedup_by(|later, earlier| later.0 == earlier.0);
        let request: CreateContainerGroup = from_pairs(&rows).unwrap();
        rows.reverse();
        prop_assert_eq!(from_pairs::<CreateContainerGroup>(&rows).unwrap(), request);
    }

    #[test]
    fn a_map_survives_writing_and_reading(options in prop::collection::btree_map("[a-z.#0-9]{0,8}", ".{0,8}", 0..6)) {
        let mut request = eci_api::actions::CreateDataCache::default();
        if !options.is_empty() {
            request.data_source = Some(eci_api::actions::create_data_cache::DataSource { options, ..Default::default() });
        }
        let written = to_pairs(&request).unwrap();
        prop_assert_eq!(from_pairs::<eci_api::actions::CreateDataCache>(&written).unwrap(), request);
    }

    #[test]
    fn no_parameters_make_the_reader_panic(soup in prop::collection::vec(any::<u8>(), 0..300)) {
        let pairs = parse_form(&soup);
        let _ = from_pairs::<CreateContainerGroup>(&pairs);
        let _ = validate::check("CreateContainerGroup", &pairs);
    }

    #[test]
    fn no_names_of_the_right_shape_make_the_reader_panic(
        rows in prop::collection::vec(("(Container|Volume|Tag|Cpu|#9#|\\.|[0-9]{1,12}|Name|Port|\\.\\.){1,9}", ".{0,12}"), 0..20)
    ) {
        let _ = from_pairs::<CreateContainerGroup>(&rows);
        let _ = validate::check("CreateContainerGroup", &rows);
        let _ = validate::unknown("CreateContainerGroup", &rows);
    }

    #[test]
    fn form_text_reads_back(rows in prop::collection::vec((".{1,12}", ".{0,20}"), 0..10)) {
        prop_assert_eq!(parse_form(eci_api::query::render(&rows).as_bytes()), rows);
    }
}
