//! The manifest of an Indexed Job whose pods each take a shard of a load.

use crate::shard::COUNT;

/// What the Job runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSettings {
    /// Number of shards.
    pub shards: u32,
    /// Image with this program as its entry point.
    pub image: String,
    /// Arguments of the program.
    pub arguments: Vec<String>,
}

/// The manifest, with the two commands that collect and merge the reports.
pub fn manifest(settings: &JobSettings) -> String {
    let JobSettings { shards, image, arguments } = settings;
    // A text is written as JSON, which YAML takes as it is.
    let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let arguments: Vec<_> = arguments.iter().map(|argument| text(argument)).collect();
    format!(
        "# kubectl apply -f job.yaml, and once it is complete:\n\
         #   for pod in $(kubectl get pods -l job-name=scenarios-load -o name); do kubectl logs $pod > ${{pod##*/}}.json; done\n\
         #   scenarios merge *.json --html report.html\n\
         apiVersion: batch/v1\n\
         kind: Job\n\
         metadata:\n  name: scenarios-load\n\
         spec:\n  completionMode: Indexed\n  completions: {shards}\n  parallelism: {shards}\n  backoffLimit: 0\n  template:\n    spec:\n      \
           restartPolicy: Never\n      automountServiceAccountToken: false\n      containers:\n        \
           - name: scenarios\n          image: {}\n          args: [{}]\n          env:\n            \
             # Kubernetes sets the pod's index, and this program takes it with the count.\n            \
             - name: {COUNT}\n              value: \"{shards}\"\n          \
           resources:\n            requests:\n              cpu: \"2\"\n              memory: 1Gi\n",
        text(image),
        arguments.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_an_indexed_job_that_tells_its_pods_their_count() {
        let arguments = ["load", "--pods", "100", "--fail-if", "p99(running)>2s"].map(str::to_owned).to_vec();
        let settings = JobSettings { shards: 4, image: "registry.example/scenarios:1".to_owned(), arguments };
        let job: serde_json::Value = serde_saphyr::from_str(&manifest(&settings)).unwrap();
        assert_eq!(job["spec"]["completionMode"], "Indexed");
        assert_eq!((&job["spec"]["completions"], &job["spec"]["parallelism"]), (&4.into(), &4.into()));
        let container = &job["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["args"][4], "p99(running)>2s");
        assert_eq!(container["env"][0], serde_json::json!({ "name": COUNT, "value": "4" }));
    }
}
