//! Fields of volumes: which kinds an instance has, and how their files come about.

use k8s_openapi::api::core::v1::{
    CSIVolumeSource, ConfigMapProjection, ConfigMapVolumeSource, DownwardAPIProjection,
    DownwardAPIVolumeFile, DownwardAPIVolumeSource, EmptyDirVolumeSource, EphemeralVolumeSource,
    FlexVolumeSource, KeyToPath, NFSVolumeSource, PersistentVolumeClaimVolumeSource, ProjectedVolumeSource,
    SecretProjection, SecretVolumeSource, ServiceAccountTokenProjection, Volume, VolumeProjection,
};

use super::walk::Walk;
use crate::pods::sources::csi;

const NO_KIND: &str = "ECI mounts emptyDir, configMap, secret, projected, downwardAPI, nfs, flexVolume alicloud/* and claims of disks, NAS and OSS";
const CLAIM: &str = "`FlexVolume` or `NFSVolume`, as the volume is that is bound: a disk, NAS, OSS, nfs or flexVolume alicloud/*";
const READ_ONLY: &str = "`VolumeMount.ReadOnly` of each of its mounts";
const CONTENT: &str = "`ConfigFileVolume`";
const MODE: &str = "`ConfigFileVolume.ConfigFileToPath.Mode`";
const PATH: &str = "`ConfigFileVolume.ConfigFileToPath.Path`";
const OPTIONAL: &str = "the pod waits for what is not there, unless it is optional";
/// The permission to read for everybody.
const ALL_READ: i32 = 0o004;

/// Walks over a volume.
pub(super) fn walk_volume(value: &Volume, walk: &mut Walk) {
    walk.at(format!(" of volume {}", value.name), |walk| walk_source(value, walk));
}

fields! {
    fn walk_source(Volume, walk) {
        aws_elastic_block_store "awsElasticBlockStore" refused(aws_elastic_block_store.is_some(), "", NO_KIND);
        azure_disk "azureDisk" refused(azure_disk.is_some(), "", NO_KIND);
        azure_file "azureFile" refused(azure_file.is_some(), "", NO_KIND);
        cephfs "cephfs" refused(cephfs.is_some(), "", NO_KIND);
        cinder "cinder" refused(cinder.is_some(), "", NO_KIND);
        config_map "configMap" inside(walk_config_map);
        csi "csi" inside(walk_csi);
        downward_api "downwardAPI" inside(walk_downward_api);
        empty_dir "emptyDir" inside(walk_empty_dir);
        ephemeral "ephemeral" inside(walk_ephemeral);
        fc "fc" refused(fc.is_some(), "", NO_KIND);
        flex_volume "flexVolume" inside(walk_flex);
        flocker "flocker" refused(flocker.is_some(), "", NO_KIND);
        gce_persistent_disk "gcePersistentDisk" refused(gce_persistent_disk.is_some(), "", NO_KIND);
        git_repo "gitRepo" refused(git_repo.is_some(), "", NO_KIND);
        glusterfs "glusterfs" refused(glusterfs.is_some(), "", NO_KIND);
        host_path "hostPath" refused(host_path.is_some(), "", NO_KIND) shown "pods/host-path";
        image "image" refused(image.is_some(), "", NO_KIND);
        iscsi "iscsi" refused(iscsi.is_some(), "", NO_KIND);
        name "name" sent("`Volume.Name`");
        nfs "nfs" inside(walk_nfs);
        persistent_volume_claim "persistentVolumeClaim" inside(walk_claim);
        photon_persistent_disk "photonPersistentDisk" refused(photon_persistent_disk.is_some(), "", NO_KIND);
        portworx_volume "portworxVolume" refused(portworx_volume.is_some(), "", NO_KIND);
        projected "projected" inside(walk_projected);
        quobyte "quobyte" refused(quobyte.is_some(), "", NO_KIND);
        rbd "rbd" refused(rbd.is_some(), "", NO_KIND);
        scale_io "scaleIO" refused(scale_io.is_some(), "", NO_KIND);
        secret "secret" inside(walk_secret);
        storageos "storageos" refused(storageos.is_some(), "", NO_KIND);
        vsphere_volume "vsphereVolume" refused(vsphere_volume.is_some(), "", NO_KIND);
    }
}

/// True for a volume whose files not all users of the pod may read and write as they like.
pub(super) fn has_owned_files(volume: &Volume) -> bool {
    let is_closed = |mode: Option<i32>| mode.is_some_and(|mode| mode & ALL_READ == 0);
    let has_closed_item =
        |items: &Option<Vec<KeyToPath>>| items.iter().flatten().any(|item| is_closed(item.mode));
    let config_map = volume.config_map.as_ref();
    let secret = volume.secret.as_ref();
    volume.nfs.is_some()
        || volume.flex_volume.is_some()
        || volume.csi.is_some()
        || volume.ephemeral.is_some()
        || volume.persistent_volume_claim.is_some()
        || config_map.is_some_and(|it| is_closed(it.default_mode) || has_closed_item(&it.items))
        || secret.is_some_and(|it| is_closed(it.default_mode) || has_closed_item(&it.items))
        || volume.projected.as_ref().is_some_and(|it| is_closed(it.default_mode))
        || volume.downward_api.as_ref().is_some_and(|it| is_closed(it.default_mode))
}

fields! {
    fn walk_empty_dir(EmptyDirVolumeSource, walk) {
        medium "medium"
            sent("`EmptyDirVolume.Medium`"),
            refused(medium.as_deref().is_some_and(|medium| medium.starts_with("HugePages")), ": HugePages", "an instance has no huge pages");
        size_limit "sizeLimit" sent("`EmptyDirVolume.SizeLimit`");
    }
}

fields! {
    fn walk_nfs(NFSVolumeSource, walk) {
        path "path" sent("`NFSVolume.Path`");
        read_only "readOnly" sent("`NFSVolume.ReadOnly`");
        server "server" sent("`NFSVolume.Server`");
    }
}

fields! {
    fn walk_flex(FlexVolumeSource, walk) {
        driver "driver"
            sent("`FlexVolume.Driver`"),
            refused(!driver.is_empty() && !driver.starts_with("alicloud/"), " other than alicloud/*", NO_KIND);
        fs_type "fsType" sent("`FlexVolume.FsType`");
        options "options" sent("`FlexVolume.Options`");
        read_only "readOnly" sent(READ_ONLY);
        secret_ref "secretRef" left_out(secret_ref.is_some(), "", "ECI takes no Secret for a volume");
    }
}

fields! {
    fn walk_claim(PersistentVolumeClaimVolumeSource, walk) {
        claim_name "claimName" sent(CLAIM) shown "storage/disk";
        read_only "readOnly" sent(READ_ONLY);
    }
}

fields! {
    fn walk_ephemeral(EphemeralVolumeSource, walk) {
        volume_claim_template "volumeClaimTemplate" elsewhere("the control plane makes a claim of it, which is mounted as any other");
    }
}

fields! {
    fn walk_csi(CSIVolumeSource, walk) {
        driver "driver"
            sent("`NFSVolume`, or `FlexVolume.Driver` alicloud/nas or alicloud/oss"),
            refused(![csi::NAS, csi::OSS].contains(&driver.as_str()) && !driver.is_empty(), " other than those of NAS and OSS", "a disk needs a claim, and of other drivers ECI mounts nothing");
        fs_type "fsType" no_effect("neither NAS nor OSS has one");
        node_publish_secret_ref "nodePublishSecretRef" sent("`FlexVolume.Options`, of OSS");
        read_only "readOnly" sent(READ_ONLY);
        volume_attributes "volumeAttributes" sent("`NFSVolume`, `FlexVolume.Options`");
    }
}

fields! {
    fn walk_config_map(ConfigMapVolumeSource, walk) {
        default_mode "defaultMode" sent("`ConfigFileVolume.DefaultMode`");
        items "items" each(walk_item);
        name "name" sent(CONTENT) shown "storage/config-map-that-changes";
        optional "optional" elsewhere(OPTIONAL);
    }
}

fields! {
    fn walk_secret(SecretVolumeSource, walk) {
        default_mode "defaultMode" sent("`ConfigFileVolume.DefaultMode`");
        items "items" each(walk_item);
        optional "optional" elsewhere(OPTIONAL);
        secret_name "secretName" sent(CONTENT);
    }
}

fields! {
    fn walk_item(KeyToPath, walk) {
        key "key" sent("`ConfigFileVolume.ConfigFileToPath.Content`");
        mode "mode" sent(MODE);
        path "path" sent(PATH);
    }
}

fields! {
    fn walk_downward_api(DownwardAPIVolumeSource, walk) {
        default_mode "defaultMode" sent("`ConfigFileVolume.DefaultMode`");
        items "items" each(walk_downward_file);
    }
}

fields! {
    fn walk_downward_file(DownwardAPIVolumeFile, walk) {
        field_ref "fieldRef" sent("`ConfigFileVolume.ConfigFileToPath.Content`");
        mode "mode" sent(MODE);
        path "path" sent(PATH);
        resource_field_ref "resourceFieldRef" sent("`ConfigFileVolume.ConfigFileToPath.Content`");
    }
}

fields! {
    fn walk_projected(ProjectedVolumeSource, walk) {
        default_mode "defaultMode" sent("`ConfigFileVolume.DefaultMode`");
        sources "sources" each(walk_projection);
    }
}

fields! {
    fn walk_projection(VolumeProjection, walk) {
        cluster_trust_bundle "clusterTrustBundle"
            refused(cluster_trust_bundle.is_some(), "", "the virtual node reads no trust bundles; use a ConfigMap");
        config_map "configMap" inside(walk_projected_config_map);
        downward_api "downwardAPI" inside(walk_projected_fields);
        pod_certificate "podCertificate"
            refused(pod_certificate.is_some(), "", "the virtual node renews no certificates in an instance");
        secret "secret" inside(walk_projected_secret);
        service_account_token "serviceAccountToken" inside(walk_token);
    }
}

fields! {
    fn walk_projected_config_map(ConfigMapProjection, walk) {
        items "items" each(walk_item);
        name "name" sent(CONTENT);
        optional "optional" elsewhere(OPTIONAL);
    }
}

fields! {
    fn walk_projected_secret(SecretProjection, walk) {
        items "items" each(walk_item);
        name "name" sent(CONTENT);
        optional "optional" elsewhere(OPTIONAL);
    }
}

fields! {
    fn walk_projected_fields(DownwardAPIProjection, walk) {
        items "items" each(walk_downward_file);
    }
}

fields! {
    fn walk_token(ServiceAccountTokenProjection, walk) {
        audience "audience" elsewhere("the API server makes the token");
        expiration_seconds "expirationSeconds"
            elsewhere("the API server makes the token, which is not renewed in the instance") shown "storage/token-that-expires";
        path "path" sent(PATH);
    }
}
