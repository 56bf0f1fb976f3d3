//! Words that are no longer names: where the field has a word, it is the name.

use syn::visit::{self, Visit};

use super::sources::{by_package, is_for_tests, parsed};

/// Parts of names that are refused, as in `last_said` or `DoorClient`, each with what to say instead.
const WORDS: [(&str, &str); 38] = [
    ("asked", "requested, or the request"),
    ("befall", "apply"),
    ("book", "store, cache, records"),
    ("broom", "cleanup"),
    ("bury", "mark dead, kill"),
    ("chore", "command, task"),
    ("door", "control API, port forward"),
    ("farewell", "uninstall check"),
    ("felt", "effective"),
    ("glance", "poll, POLL_INTERVAL"),
    ("hand", "worker, context"),
    ("hands", "worker, context"),
    ("happened", "event"),
    ("heard", "received, last answer"),
    ("hindrance", "missing requirement"),
    ("hurry", "wake, speed up"),
    ("inlet", "receiver, stdin"),
    ("keeper", "controller"),
    ("kept", "stored, retained, cached, persisted"),
    ("laid", "added, created"),
    ("lately", "recently"),
    ("lay", "add, create, lay out: stage"),
    ("lookout", "poller"),
    ("mishap", "failure"),
    ("mishaps", "failures"),
    ("newborn", "new"),
    ("outlet", "sender, output"),
    ("patience", "timeout"),
    ("pulse", "heartbeat, health"),
    ("rare", "optional"),
    ("said", "output, message, reported"),
    ("shelf", "builder"),
    ("shut", "refused, closed"),
    ("sight", "observation"),
    ("told", "reported, message"),
    ("untold", "parse error"),
    ("warden", "child guard"),
    ("workshop", "reconciler"),
];

/// Types that are refused by their whole name: too little is said by it, or a type of that name stood in too many places.
const TYPES: [(&str, &str); 31] = [
    ("Aim", "ProbeKind, target"),
    ("Answer", "Response, Reply, or whose it is"),
    ("Card", "BillingRecord"),
    ("Cast", "ContainerStatuses"),
    ("Ended", "outcome"),
    ("Far", "ProcessSide"),
    ("Found", "Finding, Match"),
    ("Got", "Response"),
    ("Held", "guard, pending"),
    ("Later", "DeferredReply"),
    ("Manner", "Mode, Policy"),
    ("Moods", "states"),
    ("On", "target"),
    ("Outside", "the service that it plays"),
    ("Past", "History"),
    ("Plot", "RegionState"),
    ("Problem", "Error, or whose it is"),
    ("Rest", "Backoff, Remainder"),
    ("Scene", "PodContext"),
    ("Site", "Cluster, Zone"),
    ("Stands", "Status"),
    ("Surroundings", "Context"),
    ("Sweep", "SweepArgs, Sweeper"),
    ("Tone", "EventType"),
    ("Verdict", "Outcome, Conclusion, or whose it is"),
    ("Wanted", "Query, Desired"),
    ("What", "EventKind"),
    ("Which", "Filter, Selector"),
    ("Whole", "Header, Complete"),
    ("Wish", "Command"),
    ("Workshop", "Reconciler"),
];

/// A name and what it names.
type Named = (&'static str, String);

/// Names that a file declares; those of tests are sentences, and those of a foreign trait's methods are not ours.
#[derive(Default)]
struct Declared(Vec<Named>);

impl Declared {
    fn note(&mut self, kind: &'static str, name: &syn::Ident) {
        self.0.push((kind, name.to_string()));
    }
}

impl<'ast> Visit<'ast> for Declared {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.note("type", &item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.note("type", &item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.note("type", &item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.note("type", &item.ident);
        visit::visit_item_type(self, item);
    }

    fn visit_trait_item_type(&mut self, item: &'ast syn::TraitItemType) {
        self.note("type", &item.ident);
        visit::visit_trait_item_type(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            self.note("function", &item.sig.ident);
        }
        visit::visit_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.note("function", &item.sig.ident);
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if item.trait_.is_none() {
            for function in item.items.iter().filter_map(|part| match part {
                syn::ImplItem::Fn(function) => Some(function),
                _ => None,
            }) {
                self.note("function", &function.sig.ident);
            }
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if let Some(name) = &field.ident {
            self.note("field", name);
        }
        visit::visit_field(self, field);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.note("variant", &variant.ident);
        visit::visit_variant(self, variant);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.note("module", &item.ident);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.note("constant", &item.ident);
        visit::visit_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.note("constant", &item.ident);
        visit::visit_item_static(self, item);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.note("constant", &item.ident);
        visit::visit_impl_item_const(self, item);
    }
}

/// Parts of a name in lower case: `door` and `client` of `DoorClient`, `last` and `said` of `LAST_SAID`.
fn parts(name: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut before_is_lower = false;
    for letter in name.chars() {
        if letter == '_' || (letter.is_uppercase() && before_is_lower) {
            found.push(String::new());
        }
        before_is_lower = letter.is_lowercase() || letter.is_ascii_digit();
        if letter != '_' {
            found.last_mut().expect("one part at least").extend(letter.to_lowercase());
        }
    }
    found
}

/// The better word, where a name is refused.
fn better(kind: &str, name: &str) -> Option<&'static str> {
    let by_type = TYPES.iter().find(|(refused, _)| kind == "type" && name == *refused);
    let parts = parts(name);
    let by_word = WORDS.iter().find(|(word, _)| parts.iter().any(|part| part == word));
    by_type.or(by_word).map(|(_, instead)| *instead)
}

/// Refused names of a file, each with its kind and what to say instead.
fn refused_in(file: &str) -> Vec<String> {
    let mut declared = Declared::default();
    declared.visit_file(&parsed(file));
    let own = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".rs");
    declared.0.push(("file", own.to_owned()));
    let refused = declared.0.iter().filter_map(|(kind, name)| {
        better(kind, name).map(|instead| format!("{file}: {kind} `{name}`: say {instead}"))
    });
    refused.collect()
}

#[test]
fn no_name_is_a_word_that_is_no_longer_one() {
    let mut all = Vec::new();
    for (package, files) in by_package() {
        let refused: Vec<_> = files.iter().flat_map(|file| refused_in(file)).collect();
        println!("{}: {} names refused in {} files", package.name, refused.len(), files.len());
        all.extend(refused);
    }
    assert!(all.is_empty(), "names that are refused: {all:#?}");
}

#[test]
fn a_name_is_read_by_its_parts() {
    for (kind, name, is_refused) in [
        ("type", "DoorClient", true),
        ("field", "last_said", true),
        ("constant", "MAX_PATIENCE", true),
        ("module", "told", true),
        ("type", "Verdict", true),
        ("field", "verdict", false),
        ("function", "handler", false),
        ("type", "Bookmark", false),
        ("function", "delay", false),
    ] {
        assert_eq!(better(kind, name).is_some(), is_refused, "{kind} {name}");
    }
}
