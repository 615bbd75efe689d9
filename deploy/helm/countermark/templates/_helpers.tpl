{{- define "countermark.labels" -}}
app.kubernetes.io/name: countermark
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "countermark.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}-countermark
{{- end }}
{{- define "countermark.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}
{{- define "countermark.container" -}}
image: {{ include "countermark.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - configMapRef: {name: {{ include "countermark.name" . }}}
  {{- with .Values.secretName }}
  - secretRef: {name: {{ . }}}
  {{- end }}
volumeMounts:
  - {name: data, mountPath: /data}
  - {name: temporary, mountPath: /tmp}
  - {name: shared-memory, mountPath: /dev/shm}
{{- end }}
