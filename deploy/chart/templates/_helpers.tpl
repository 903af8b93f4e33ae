{{/* Names */}}
{{- define "sealed-secrets.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sealed-secrets.fullname" -}}
{{- $name := include "sealed-secrets.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "sealed-secrets.namespace" -}}
{{- default .Release.Namespace .Values.namespace -}}
{{- end -}}

{{- define "sealed-secrets.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "sealed-secrets.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "sealed-secrets.image" -}}
{{- $version := printf ":%s" (toString .Values.image.tag) -}}
{{- with .Values.image.digest }}{{ $version = printf "@%s" . }}{{ end -}}
{{- printf "%s/%s%s" (.Values.image.registry | default "") .Values.image.repository $version | trimPrefix "/" -}}
{{- end -}}

{{/* What the cluster can do: a value, or what Helm sees */}}
{{- define "sealed-secrets.kubeVersion" -}}
{{- default (default .Capabilities.KubeVersion.Version .Values.kubeVersion) (.Values.global).kubeVersion -}}
{{- end -}}

{{/* A value that may hold templates itself: text, list or map. Takes {value, context}. */}}
{{- define "sealed-secrets.rendered" -}}
{{- if kindIs "string" .value -}}
{{- tpl .value .context -}}
{{- else -}}
{{- tpl (toYaml .value) .context -}}
{{- end -}}
{{- end -}}

{{/* Labels that select; they must never change for a release */}}
{{- define "sealed-secrets.selector" -}}
app.kubernetes.io/name: {{ include "sealed-secrets.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of an object. Takes {context, extra: list of maps}. */}}
{{- define "sealed-secrets.labels" -}}
{{ include "sealed-secrets.selector" .context }}
app.kubernetes.io/managed-by: {{ .context.Release.Service }}
app.kubernetes.io/version: {{ .context.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: sealed-secrets
helm.sh/chart: {{ printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" | trunc 63 }}
{{- range append (.extra | default list) .context.Values.commonLabels }}
{{- with . }}
{{ include "sealed-secrets.rendered" (dict "value" . "context" $.context) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Annotations of an object, the common ones last. Takes {context, own}. Nothing where there are none. */}}
{{- define "sealed-secrets.annotations" -}}
{{- range list .own .context.Values.commonAnnotations }}
{{- with . }}
{{ include "sealed-secrets.rendered" (dict "value" . "context" $.context) }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Name, namespace, labels and annotations. Takes {context, name, cluster, labels, annotations, bare}: `cluster` for
     objects without a namespace, `bare` for those that have no annotations unless some are given. */}}
{{- define "sealed-secrets.metadata" -}}
name: {{ .name }}
{{- if not .cluster }}
namespace: {{ .namespace | default (include "sealed-secrets.namespace" .context) }}
{{- end }}
labels: {{- include "sealed-secrets.labels" (dict "context" .context "extra" .labels) | nindent 2 }}
{{- $annotations := include "sealed-secrets.annotations" (dict "context" .context "own" .annotations) | trim }}
{{- if or $annotations (not .bare) }}
annotations: {{- with $annotations }}{{ nindent 2 . }}{{ end }}
{{- end }}
{{- end -}}

{{/* `a=b,c=d` of a map whose values must be text */}}
{{- define "sealed-secrets.pairs" -}}
{{- $pairs := list -}}
{{- range $key, $value := .map -}}
{{- if not (and (kindIs "string" $value) $value) -}}
{{- fail (printf "%s: the value of %q must be a text that is not empty" $.name $key) -}}
{{- end -}}
{{- $pairs = prepend $pairs (printf "%s=%s" $key $value) -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/* What the controller may do with objects, cluster-wide or in one namespace */}}
{{- define "sealed-secrets.unsealerRules" -}}
- apiGroups:
  - bitnami.com
  resources:
  - sealedsecrets
  verbs:
  - get
  - list
  - watch
- apiGroups:
  - bitnami.com
  resources:
  - sealedsecrets/status
  verbs:
  - update
- apiGroups:
  - ""
  resources:
  - secrets
  verbs:
  - get
  - list
  - create
  - update
  - delete
  - watch
- apiGroups:
  - ""
  resources:
  - events
  verbs:
  - create
{{- end -}}

{{/* A probe: the standard one with its times, or a given one. Takes {standard, custom, action, context}. */}}
{{- define "sealed-secrets.probe" -}}
{{- if (.standard).enabled -}}
{{ toYaml (omit .standard "enabled") }}
{{ .action }}
{{- else if .custom -}}
{{ include "sealed-secrets.rendered" (dict "value" .custom "context" .context) }}
{{- end -}}
{{- end -}}

{{/* The controller's account, in bindings */}}
{{- define "sealed-secrets.controllerSubject" }}
- apiGroup: ""
  kind: ServiceAccount
  name: {{ include "sealed-secrets.serviceAccountName" . }}
  namespace: {{ include "sealed-secrets.namespace" . }}
{{- end }}
