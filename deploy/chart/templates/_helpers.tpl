{{- define "genesys-ingestor.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "genesys-ingestor.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "genesys-ingestor.labels" -}}
{{ include "genesys-ingestor.selector" . }}
app.kubernetes.io/component: ingestor
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "genesys-ingestor.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "genesys-ingestor.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "genesys-ingestor.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* The settings that are no secrets, by name. */}}
{{- define "genesys-ingestor.settings" -}}
ADAPTER_NAME: {{ .Values.adapter.name | quote }}
{{- with .Values.adapter.description }}
ADAPTER_DESCRIPTION: {{ . | quote }}
{{- end }}
GENESYS_CLIENT_ID: {{ .Values.genesys.clientId | quote }}
GENESYS_REGION_HOST: {{ .Values.genesys.regionHost | quote }}
GENESYS_CLIENT_SECRET_FILE: /run/secrets/genesys/client-secret
NATS_URL: {{ .Values.nats.url | quote }}
NATS_PROVISION: {{ .Values.nats.provision | quote }}
NATS_REPLICAS: {{ .Values.nats.replicas | quote }}
NATS_MAX_AGE: {{ .Values.nats.maxAge | quote }}
{{- $kind := .Values.nats.auth.kind }}
{{- if eq $kind "nkey" }}
NATS_NKEY_SEED_FILE: /run/secrets/nats/credential
{{- else if eq $kind "creds" }}
NATS_CREDS_FILE: /run/secrets/nats/credential
{{- else if eq $kind "password" }}
NATS_USER: {{ .Values.nats.auth.user | quote }}
NATS_PASSWORD_FILE: /run/secrets/nats/credential
{{- else if eq $kind "token" }}
NATS_TOKEN_FILE: /run/secrets/nats/credential
{{- end }}
{{- if .Values.nats.tls.existingSecret }}
NATS_TLS_CA_FILE: /run/secrets/nats-tls/ca.crt
{{- if .Values.nats.tls.clientCertificate }}
NATS_TLS_CERT_FILE: /run/secrets/nats-tls/tls.crt
NATS_TLS_KEY_FILE: /run/secrets/nats-tls/tls.key
{{- end }}
{{- end }}
HTTP_ADDR: ":8080"
{{- range $name, $value := .Values.settings }}
{{ $name }}: {{ toString $value | quote }}
{{- end }}
{{- end -}}

{{/* What the container may do, and what it sees of the secrets. */}}
{{- define "genesys-ingestor.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "genesys-ingestor.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "genesys-ingestor.mounts" -}}
- { name: genesys, mountPath: /run/secrets/genesys, readOnly: true }
{{- if ne .Values.nats.auth.kind "none" }}
- { name: nats, mountPath: /run/secrets/nats, readOnly: true }
{{- end }}
{{- if .Values.nats.tls.existingSecret }}
- { name: nats-tls, mountPath: /run/secrets/nats-tls, readOnly: true }
{{- end }}
{{- end -}}

{{/* Arguments: the context, and the secret and key for NATS. */}}
{{- define "genesys-ingestor.volumes" -}}
- name: genesys
  secret:
    secretName: {{ .root.Values.genesys.existingSecret | quote }}
    defaultMode: 0440
    items: [{ key: {{ .root.Values.genesys.secretKey | quote }}, path: client-secret }]
{{- if ne .root.Values.nats.auth.kind "none" }}
- name: nats
  secret:
    secretName: {{ .secret | quote }}
    defaultMode: 0440
    items: [{ key: {{ .key | quote }}, path: credential }]
{{- end }}
{{- if .root.Values.nats.tls.existingSecret }}
- name: nats-tls
  secret:
    secretName: {{ .root.Values.nats.tls.existingSecret | quote }}
    defaultMode: 0440
{{- end }}
{{- end -}}
