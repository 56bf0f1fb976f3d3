{{/* The name of everything that belongs to this release. */}}
{{- define "ack-virtual-node.name" -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}

{{/* What selects the provider's pod; never changes for a release. */}}
{{- define "ack-virtual-node.selector" -}}
app.kubernetes.io/name: ack-virtual-node
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What every object is labelled with. */}}
{{- define "ack-virtual-node.labels" -}}
{{ include "ack-virtual-node.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* The Secret with the access key: ours, or one that was there before. */}}
{{- define "ack-virtual-node.keys" -}}
{{- .Values.existingSecret | default (printf "%s-keys" (include "ack-virtual-node.name" .)) -}}
{{- end -}}

{{/* Who a program of ours runs as. */}}
{{- define "ack-virtual-node.user" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{/* What it may not do. */}}
{{- define "ack-virtual-node.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Never on the node that it makes. */}}
{{- define "ack-virtual-node.elsewhere" -}}
nodeAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    nodeSelectorTerms:
    - matchExpressions:
      - { key: type, operator: NotIn, values: [virtual-kubelet] }
{{- end -}}

{{/* What it is told about its node and its cloud. */}}
{{- define "ack-virtual-node.cloud" -}}
- name: NODE_NAME
  value: {{ .Values.nodeName | quote }}
- name: ECI_VSWITCH
  value: {{ .Values.ECI_VSWITCH | quote }}
- name: ECI_SECURITY_GROUP
  value: {{ .Values.ECI_SECURITY_GROUP | quote }}
- name: ECI_REGION
  value: {{ .Values.ECI_REGION | quote }}
{{- with .Values.ECI_ENDPOINT }}
- name: ECI_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- if .Values.ramRole }}
- name: ECI_RAM_ROLE
  value: {{ .Values.ramRole | quote }}
{{- else if not .Values.rrsaRole }}
- name: ECI_ACCESS_KEY
  valueFrom:
    secretKeyRef: { name: {{ include "ack-virtual-node.keys" . }}, key: ECI_ACCESS_KEY }
- name: ECI_SECRET_KEY
  valueFrom:
    secretKeyRef: { name: {{ include "ack-virtual-node.keys" . }}, key: ECI_SECRET_KEY }
{{- end }}
- name: RUST_LOG
  value: {{ .Values.log | quote }}
{{- with .Values.namespaces }}
- name: ECI_NAMESPACES
  value: {{ uniq . | join "," | quote }}
{{- end }}
{{- with .Values.capacity }}
{{- $all := list }}
{{- range $name, $amount := . }}{{ $all = append $all (printf "%s=%v" $name (ternary (int64 $amount) $amount (kindIs "float64" $amount))) }}{{ end }}
- name: ECI_CAPACITY
  value: {{ join "," $all | quote }}
{{- end }}
{{- with .Values.policy }}
- name: ECI_POLICY
  value: {{ toJson . | quote }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The rights that pods on the node need, in their namespace or in all. */}}
{{- define "ack-virtual-node.podRules" -}}
# The pods that are bound to it: watched, given the patience to outlive a cloud that is away, reported on, let go.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [""]
  resources: [pods/status]
  verbs: [patch]
# What those pods refer to: read by name when a pod starts, never listed.
- apiGroups: [""]
  resources: [configmaps, secrets, persistentvolumeclaims]
  verbs: [get]
- apiGroups: [""]
  resources: [serviceaccounts/token]
  verbs: [create]
# The environment variables of Services.
- apiGroups: [""]
  resources: [services]
  verbs: [list]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* Gives the Role `role` of `namespace` to the provider. */}}
{{- define "ack-virtual-node.binding" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .role }}
  namespace: {{ .namespace }}
  labels: {{- include "ack-virtual-node.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .role }}
subjects:
- kind: ServiceAccount
  name: {{ include "ack-virtual-node.name" .root }}
  namespace: {{ .root.Release.Namespace }}
{{- end -}}
