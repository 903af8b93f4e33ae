{{/* Where the API server is: a list of {cidrs, ports}, from the values, else from the cluster; nothing where neither tells */}}
{{- define "sealed-secrets.apiServer" -}}
{{- $egress := .Values.networkPolicy.egress -}}
{{- $found := list -}}
{{- if $egress.kubeapiCidr -}}
{{- $cidrs := ternary $egress.kubeapiCidr (list $egress.kubeapiCidr) (kindIs "slice" $egress.kubeapiCidr) -}}
{{- $found = list (dict "cidrs" $cidrs "ports" (empty $egress.kubeapiPort | ternary list (list $egress.kubeapiPort))) -}}
{{- else -}}
{{- $known := list -}}
{{- if .Capabilities.APIVersions.Has "discovery.k8s.io/v1/EndpointSlice" -}}
{{- with lookup "discovery.k8s.io/v1" "EndpointSlice" "default" "kubernetes" -}}
{{- $addresses := list -}}
{{- range .endpoints }}{{ $addresses = concat $addresses .addresses }}{{ end -}}
{{- $known = list (dict "addresses" $addresses "ports" .ports) -}}
{{- end -}}
{{- end -}}
{{- /* Older clusters, and those where nobody made a slice of it */}}
{{- if not $known -}}
{{- range (lookup "v1" "Endpoints" "default" "kubernetes").subsets -}}
{{- $addresses := list -}}
{{- range .addresses }}{{ $addresses = append $addresses .ip }}{{ end -}}
{{- $known = append $known (dict "addresses" $addresses "ports" .ports) -}}
{{- end -}}
{{- end -}}
{{- range $known -}}
{{- $cidrs := list -}}
{{- range .addresses }}{{ $cidrs = append $cidrs (printf "%s/%s" . (contains ":" . | ternary "128" "32")) }}{{ end -}}
{{- $ports := list -}}
{{- range .ports }}{{ $ports = append $ports .port }}{{ end -}}
{{- if $cidrs }}{{ $found = append $found (dict "cidrs" $cidrs "ports" $ports) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}
