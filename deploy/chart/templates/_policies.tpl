{{/* What the expressions of the admission policies speak of: parts of the object as they came, and something empty where
     there is none. Without dyn() an older definition of the resource, which describes less, would give warnings. */}}
{{- define "sealed-secrets.policyVariables" -}}
- name: spec
  expression: dyn(object).?spec.orValue({})
- name: oldSpec
  expression: "request.operation == 'CREATE' ? dyn({}) : dyn(oldObject).?spec.orValue({})"
{{- range list
  (list "blob" "spec" "data" "''")
  (list "items" "spec" "encryptedData" "{}")
  (list "template" "spec" "template" "{}")
  (list "templates" "template" "data" "{}")
  (list "type" "template" "type" "''")
  (list "immutable" "template" "immutable" "false")
  (list "oldTemplate" "oldSpec" "template" "{}")
  (list "oldImmutable" "oldTemplate" "immutable" "false")
  (list "metadata" "template" "metadata" "{}")
  (list "labels" "metadata" "labels" "{}")
  (list "annotations" "metadata" "annotations" "{}")
  (list "finalizers" "metadata" "finalizers" "[]")
  (list "owners" "metadata" "ownerReferences" "[]") }}
{{- $field := printf "variables.%s.%s" (index . 1) (index . 2) }}
- name: {{ first . }}
  expression: "has({{ $field }}) && {{ $field }} != null ? {{ $field }} : dyn({{ last . }})"
{{- end }}
{{- end -}}
