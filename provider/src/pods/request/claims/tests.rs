//! Tests of what becomes of claims, by the volumes that they are bound to.

use serde_json::{Value, json};

use super::*;

fn bound_to(spec: Value) -> ClaimSource {
    let claim = json!({ "metadata": { "uid": "c-1" }, "status": { "phase": "Bound" } });
    let mut volume = json!({ "metadata": { "name": "pv" }, "spec": spec });
    volume["spec"]["claimRef"] = json!({ "uid": "c-1" });
    ClaimSource {
        claim: serde_json::from_value(claim).unwrap(),
        volume: serde_json::from_value(volume).unwrap(),
        secret: None,
    }
}

fn mounted(found: &ClaimSource) -> Result<(wire::Volume, String), RequestError> {
    let mut remarks = Vec::new();
    let volume = bound(("v", "data"), None, Some(found), &mut remarks)?;
    Ok((volume, remarks.into_iter().map(|remark| remark.message).collect::<Vec<_>>().join("; ")))
}

fn csi(driver: &str, attributes: Value) -> Value {
    json!({ "csi": { "driver": driver, "volumeHandle": "d-1", "fsType": "ext4", "volumeAttributes": attributes } })
}

/// Driver, file system and options of the FlexVolume that a volume becomes.
fn flex(spec: Value) -> (String, Option<String>, Value) {
    let flex = mounted(&bound_to(spec)).unwrap().0.flex_volume.unwrap();
    (flex.driver.unwrap(), flex.fs_type, serde_json::from_str(&flex.options.unwrap()).unwrap())
}

#[test]
fn a_disk_is_mounted_by_its_id_and_outlives_the_instance() {
    let disk = flex(csi(csi::DISK, json!({ "type": "cloud_essd" })));
    let options = json!({ "volumeId": "d-1", "deleteWithInstance": "false" });
    assert_eq!(disk, ("alicloud/disk".to_owned(), Some("ext4".to_owned()), options));
}

#[test]
fn nas_is_nfs_and_with_mount_options_the_driver_that_takes_them() {
    let plain = csi(csi::NAS, json!({ "server": "n.aliyuncs.com", "path": "/share", "volumeAs": "subpath" }));
    let (volume, remarks) = mounted(&bound_to(plain.clone())).unwrap();
    let nfs = volume.nfs_volume.unwrap();
    assert_eq!((nfs.server.as_deref(), nfs.path.as_deref()), (Some("n.aliyuncs.com"), Some("/share")));
    assert_eq!(remarks, "");
    let mut with = plain;
    with["mountOptions"] = json!(["nolock,tcp,noresvport", "vers=3"]);
    let options = json!({ "server": "n.aliyuncs.com", "path": "/share", "vers": "3", "options": "nolock,tcp,noresvport" });
    assert_eq!(flex(with), ("alicloud/nas".to_owned(), None, options));
}

#[test]
fn oss_has_the_keys_of_its_secret_and_no_attribute_that_eci_does_not_take() {
    let attributes = json!({ "bucket": "b", "url": "oss.example.com", "ramRole": "r", "sigVersion": "v4" });
    let mut found = bound_to(csi(csi::OSS, attributes));
    found.secret =
        Some(serde_json::from_value(json!({ "data": { "akId": "QQ==", "akSecret": "Qg==" } })).unwrap());
    let (volume, remarks) = mounted(&found).unwrap();
    let options: Value = serde_json::from_str(&volume.flex_volume.unwrap().options.unwrap()).unwrap();
    let all =
        json!({ "bucket": "b", "url": "oss.example.com", "ramRole": "r", "akId": "A", "akSecret": "B" });
    assert_eq!(options, all);
    assert_eq!(
        remarks,
        "volumeAttributes sigVersion of persistent volume pv is left out: ECI takes none such"
    );
}

#[test]
fn what_eci_cannot_mount_is_refused_by_its_name() {
    for (spec, why) in [
        (json!({ "hostPath": { "path": "/x" }, "capacity": { "storage": "1Gi" } }), "it is hostPath"),
        (csi("ebs.csi.aws.com", json!({})), "its driver is ebs.csi.aws.com"),
        (csi(csi::NAS, json!({ "path": "/" })), "it names no `server`"),
        (csi(csi::NAS, json!({ "server": "s", "mountProtocol": "efc" })), "its mountProtocol is efc"),
        (csi(csi::OSS, json!({ "bucket": "b" })), "it names no `url`"),
        (csi(csi::OSS, json!({ "authType": "rrsa" })), "its authType is rrsa"),
    ] {
        let error = mounted(&bound_to(spec)).unwrap_err();
        let start = format!("persistent volume pv is not possible on the virtual node: {why}");
        assert!(error.to_string().starts_with(&start), "{error}");
        assert!(matches!(error, RequestError::Unsupported(_)), "{error:?}");
    }
}

#[test]
fn a_pod_waits_for_a_claim_that_is_not_there_not_bound_or_not_its_own() {
    let disk = || bound_to(csi(csi::DISK, json!({})));
    let mut pending = disk();
    pending.claim.status = None;
    let mut of_another = disk();
    of_another.claim.metadata.uid = Some("c-2".to_owned());
    let pod: Pod = serde_json::from_value(json!({ "metadata": { "uid": "u" } })).unwrap();
    for (found, of_pod, why) in [
        (None, None, "not found"),
        (Some(pending), None, "is not bound to a volume yet"),
        (Some(of_another), None, "is not bound to a volume yet"),
        (Some(disk()), Some(&pod), "was not made for this pod"),
    ] {
        let error = bound(("v", "data"), of_pod, found.as_ref(), &mut Vec::new()).unwrap_err();
        let RequestError::Mount { why: told, .. } = &error else { panic!("{error:?}") };
        assert_eq!(told, &format!("persistentvolumeclaim \"data\" {why}"));
    }
}
