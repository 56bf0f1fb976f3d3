//! Commands of kubectl that need the fields of kinds, and those that only say what they would do.

/// One command: its arguments, its input, and the texts that its output has to contain.
type Row = (&'static str, &'static str, &'static [&'static str]);

const LIST: &str = "\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: listed}, data: {a: '1'}}
- {apiVersion: v1, kind: Pod, metadata: {name: listed}, spec: {nodeName: virtual-kubelet, containers: [{name: c, image: nginx}]}}
";

const MISSPELT_LIST: &str = "\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: listed}, dta: {a: '1'}}
";

const MISSPELT: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: misspelt}
spec: {containers: [{name: c, image: nginx, imagePullPolice: Always}]}
";

const NOT_SERVED: &str = "\
apiVersion: example.com/v1
kind: Widget
metadata: {name: none}
";

const DRY_DRAIN: &str = "drain virtual-kubelet --dry-run=server --force --ignore-daemonsets";

/// Commands that work, in the order in which they are played; nothing is left of them.
pub const ROWS: &[Row] = &[
    (
        "explain pod.spec.containers",
        "",
        &["FIELD: containers <[]Container>", "-required-", "imagePullPolicy"],
    ),
    ("explain deployment --recursive", "", &["rollingUpdate", "<RollingUpdateDeployment>"]),
    ("explain pods.spec --output=plaintext-openapiv2", "", &["RESOURCE: spec <Object>", "containers"]),
    ("apply -f -", LIST, &["configmap/listed created", "pod/listed created"]),
    ("apply -f -", LIST, &["configmap/listed unchanged", "pod/listed unchanged"]),
    ("apply --validate=ignore --dry-run=server -f -", MISSPELT, &["pod/misspelt created (server dry run)"]),
    ("wait --for=condition=Ready pod/listed --timeout=120s", "", &["pod/listed condition met"]),
    (DRY_DRAIN, "", &["evicting pod default/listed (server dry run)", "drained (server dry run)"]),
    ("delete pod listed --dry-run=server", "", &["pod \"listed\" deleted (server dry run)"]),
    ("get pod listed", "", &["Running"]),
    ("delete -f -", LIST, &["configmap \"listed\" deleted", "pod \"listed\" deleted"]),
];

/// Commands that are refused, with what is said of them.
pub const REFUSED: &[Row] = &[
    ("apply -f -", MISSPELT_LIST, &["unknown field \"dta\" in io.k8s.api.core.v1.ConfigMap"]),
    ("apply -f -", MISSPELT, &["unknown field \"spec.containers[0].imagePullPolice\""]),
    ("apply -f -", NOT_SERVED, &["no matches for kind \"Widget\" in version \"example.com/v1\""]),
    ("explain widget", "", &["the server doesn't have a resource type \"widget\""]),
    ("get pod misspelt", "", &["pods \"misspelt\" not found"]),
];
