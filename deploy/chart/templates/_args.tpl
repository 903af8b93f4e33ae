{{/* The controller's arguments: each flag only where its value is set, and its value an argument of its own */}}
{{- define "sealed-secrets.args" -}}
{{- if .Values.updateStatus }}
- --update-status
{{- end }}
{{- if .Values.skipRecreate }}
- --skip-recreate
{{- end }}
{{- /* Zero means something here alone: never. */}}
{{- include "sealed-secrets.flag" (list "--key-renew-period" (ternary "0" .Values.keyrenewperiod (eq (toString .Values.keyrenewperiod) "0")) $) }}
{{- include "sealed-secrets.flag" (list "--key-ttl" .Values.keyttl $) }}
{{- include "sealed-secrets.flag" (list "--key-cutoff-time" .Values.keycutofftime $) }}
{{- include "sealed-secrets.flag" (list "--rate-limit" .Values.rateLimit $) }}
{{- include "sealed-secrets.flag" (list "--rate-limit-burst" .Values.rateLimitBurst $) }}
- --key-prefix
- {{ tpl (toString .Values.secretName) $ | quote }}
{{- include "sealed-secrets.flag" (list "--additional-namespaces" (join "," .Values.additionalNamespaces) $) }}
{{- include "sealed-secrets.flag" (list "--privatekey-annotations" (include "sealed-secrets.pairs" (dict "map" .Values.privateKeyAnnotations "name" "privateKeyAnnotations")) $) }}
{{- include "sealed-secrets.flag" (list "--privatekey-labels" (include "sealed-secrets.pairs" (dict "map" .Values.privateKeyLabels "name" "privateKeyLabels")) $) }}
{{- if .Values.logInfoStdout }}
- --log-info-stdout
{{- end }}
{{- include "sealed-secrets.flag" (list "--log-level" .Values.logLevel $) }}
{{- include "sealed-secrets.flag" (list "--log-format" .Values.logFormat $) }}
- --listen-addr
- ":{{ .Values.containerPorts.http }}"
- --listen-metrics-addr
- ":{{ .Values.containerPorts.metrics }}"
{{- include "sealed-secrets.flag" (list "--max-unseal-retries" .Values.maxRetries $) }}
{{- if .Values.watchForSecrets }}
- --watch-for-secrets
{{- end }}
{{- include "sealed-secrets.flag" (list "--kubeclient-qps" .Values.kubeClientQPS $) }}
{{- include "sealed-secrets.flag" (list "--kubeclient-burst" .Values.kubeClientBurst $) }}
{{- if .Values.allowExpensiveTemplateFunctions }}
- --allow-expensive-template-functions
{{- end }}
{{- range list (list "--verify-api" "verifyApi") (list "--rotate-api" "rotateApi") (list "--trust-new-keys" "trustNewKeys") }}
{{- include "sealed-secrets.flag" (list (first .) (include "sealed-secrets.switch" (index $.Values (last .))) $) }}
{{- end }}
{{- end -}}

{{/* A value that YAML may have read as a truth value: an `off` without quotes is one */}}
{{- define "sealed-secrets.switch" -}}
{{- if kindIs "bool" . }}{{ ternary "on" "off" . }}{{ else }}{{ . | default "" }}{{ end -}}
{{- end -}}

{{/* A flag and its value, unless that is empty or zero. A whole number is written without an exponent. */}}
{{- define "sealed-secrets.flag" -}}
{{- $value := index . 1 -}}
{{- if kindIs "float64" $value }}{{ if eq $value (floor $value) }}{{ $value = int64 $value }}{{ end }}{{ end -}}
{{- if $value }}
- {{ first . }}
- {{ tpl (toString $value) (last .) | quote }}
{{- end }}
{{- end -}}
