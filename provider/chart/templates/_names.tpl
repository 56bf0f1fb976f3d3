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
