package check_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/yaml"
)

const (
	root     = "../.."
	chartDir = root + "/deploy/chart"
	release  = "acme"
	fullname = "acme-genesys-ingestor"
)

type values = map[string]any

// least is what everybody has to give.
func least() values {
	return values{
		"adapter": values{"name": "acme"},
		"genesys": values{"regionHost": "mypurecloud.ie", "clientId": "id", "existingSecret": "genesys"},
	}
}

// with returns the least values and more.
func with(more values) values {
	all := least()
	for k, v := range more {
		if inner, ok := v.(values); ok {
			if there, ok := all[k].(values); ok {
				maps.Copy(there, inner)
				continue
			}
		}
		all[k] = v
	}
	return all
}

// combinations are values that people use.
func combinations() map[string]values {
	return map[string]values{
		"least":        least(),
		"one instance": with(values{"replicas": 1, "antiAffinity": values{"kind": "none"}}),
		"preferred":    with(values{"antiAffinity": values{"kind": "preferred", "topologyKey": "topology.kubernetes.io/zone"}}),
		"nkey and TLS": with(values{"nats": values{
			"url": "tls://nats:4222", "provision": false,
			"auth": values{"kind": "nkey", "existingSecret": "nats-ingestor"},
			"tls":  values{"existingSecret": "nats-tls", "clientCertificate": true},
		}, "provisionJob": values{"enabled": true, "existingSecret": "nats-provisioner"}}),
		"password": with(values{"nats": values{"auth": values{"kind": "password", "user": "u", "existingSecret": "s", "secretKey": "password"}}}),
		"token":    with(values{"nats": values{"auth": values{"kind": "token", "existingSecret": "s", "secretKey": "token"}}}),
		"creds":    with(values{"nats": values{"auth": values{"kind": "creds", "existingSecret": "s", "secretKey": "user.creds"}}}),
		"everything": with(values{
			"adapter": values{"description": `with "quotes": and # signs`}, "genesys": values{"proxyKey": "proxy"},
			"settings":  values{"RESTART_TIME": "03:00", "LOG_LEVEL": "debug", "AGENT_EVENTS": false, "GENESYS_MAX_CHANNELS": 9},
			"image":     values{"digest": "sha256:" + strings.Repeat("ab", 32), "pullSecrets": []any{values{"name": "registry"}}},
			"resources": values{"limits": values{"cpu": "2", "memory": "1Gi"}}, "priorityClassName": "high",
			"nodeSelector": values{"kubernetes.io/arch": "amd64"}, "tolerations": []any{values{"key": "voice", "operator": "Exists"}},
			"podAnnotations": values{"a": "b"}, "podLabels": values{"c": "d"}, "secretsRevision": "2",
			"service": values{"annotations": values{"e": "f"}},
			"networkPolicy": values{
				"ingressFrom":  []any{values{"namespaceSelector": values{"matchLabels": values{"kubernetes.io/metadata.name": "monitoring"}}}},
				"natsPeers":    []any{values{"podSelector": values{"matchLabels": values{"app": "nats"}}}},
				"genesysPeers": []any{values{"ipBlock": values{"cidr": "192.0.2.0/24"}}}, "genesysPorts": []any{3128},
			},
			"serviceMonitor": values{"enabled": true, "labels": values{"release": "prometheus"}},
			"prometheusRule": values{"enabled": true, "labels": values{"release": "prometheus"}},
			"dashboard":      values{"enabled": true},
		}),
		"nothing optional": with(values{
			"podDisruptionBudget": values{"enabled": false}, "networkPolicy": values{"enabled": false}, "serviceAccount": values{"create": false},
		}),
	}
}

func load(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// render returns the objects as text, or why the values are refused.
func render(t *testing.T, given values) (string, error) {
	t.Helper()
	c := load(t)
	all, err := util.ToRenderValues(c, given, common.ReleaseOptions{Name: release, Namespace: "recorder", IsInstall: true}, common.DefaultCapabilities)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".yaml") {
			fmt.Fprintf(&text, "---\n# %s\n%s\n", name, files[name])
		}
	}
	return text.String(), nil
}

// decode turns text into objects of the Kubernetes API. A field that does not exist is
// an error. Objects of the Prometheus operator come as maps.
func decode(t *testing.T, text string) (objects []runtime.Object, custom []values) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	for _, document := range regexp.MustCompile(`(?m)^---\n`).Split(text, -1) {
		var any values
		if err := yaml.UnmarshalStrict([]byte(document), &any); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if len(any) == 0 {
			continue
		}
		if strings.HasPrefix(fmt.Sprint(any["apiVersion"]), "monitoring.coreos.com/") {
			custom = append(custom, any)
			continue
		}
		object, _, err := decoder.Decode([]byte(document), nil, nil)
		if err != nil {
			t.Errorf("%v in\n%s", err, document)
			continue
		}
		objects = append(objects, object)
	}
	return objects, custom
}

// one returns the object of a type.
func one[T runtime.Object](t *testing.T, objects []runtime.Object) T {
	t.Helper()
	for _, o := range objects {
		if found, ok := o.(T); ok {
			return found
		}
	}
	t.Fatalf("no %T among %d objects", *new(T), len(objects))
	panic("unreachable")
}

func TestRendered(t *testing.T) {
	for name, given := range combinations() {
		t.Run(name, func(t *testing.T) {
			text, err := render(t, given)
			if err != nil {
				t.Fatal(err)
			}
			objects, custom := decode(t, text)
			set := one[*appsv1.StatefulSet](t, objects)
			config := one[*corev1.ConfigMap](t, objects)
			service := one[*corev1.Service](t, objects)
			pod := set.Spec.Template
			hardened(t, pod.Spec)
			c := pod.Spec.Containers[0]
			settings := maps.Clone(config.Data)
			for _, e := range c.Env {
				settings[e.Name] = e.Value
			}
			programSettings(t, settings)
			files(t, settings, pod.Spec)
			if pod.Labels["app.kubernetes.io/name"] != set.Spec.Selector.MatchLabels["app.kubernetes.io/name"] ||
				service.Spec.Selector["app.kubernetes.io/instance"] != pod.Labels["app.kubernetes.io/instance"] || set.Spec.ServiceName != service.Name {
				t.Error("labels and selectors do not fit")
			}
			for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
				served(t, probe.HTTPGet.Path)
				if probe.HTTPGet.Port.StrVal != c.Ports[0].Name {
					t.Errorf("a probe asks port %v", probe.HTTPGet.Port)
				}
			}
			if grace := *pod.Spec.TerminationGracePeriodSeconds; grace < 20 {
				t.Errorf("%d s are too short for an end under load", grace)
			}
			if _, port, _ := strings.Cut(settings["HTTP_ADDR"], ":"); port != fmt.Sprint(c.Ports[0].ContainerPort) {
				t.Errorf("HTTP_ADDR is %s, the port %d", settings["HTTP_ADDR"], c.Ports[0].ContainerPort)
			}
			for _, o := range objects {
				if job, ok := o.(*batchv1.Job); ok {
					hardened(t, job.Spec.Template.Spec)
					own := map[string]string{}
					for _, e := range job.Spec.Template.Spec.Containers[0].Env {
						own[e.Name] = e.Value
					}
					programSettings(t, own)
					files(t, own, job.Spec.Template.Spec)
				}
			}
			for _, o := range custom {
				monitoring(t, o)
			}
		})
	}
}

// TestPair looks at what makes two instances a pair that survives.
func TestPair(t *testing.T) {
	text, err := render(t, least())
	if err != nil {
		t.Fatal(err)
	}
	objects, _ := decode(t, text)
	set, budget := one[*appsv1.StatefulSet](t, objects), one[*policyv1.PodDisruptionBudget](t, objects)
	if *set.Spec.Replicas != 2 || budget.Spec.MaxUnavailable.IntVal != 1 {
		t.Errorf("%d instances, %v may be taken", *set.Spec.Replicas, budget.Spec.MaxUnavailable)
	}
	terms := set.Spec.Template.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	if len(terms) != 1 || terms[0].TopologyKey != corev1.LabelHostname {
		t.Errorf("anti-affinity %v", terms)
	}
	for _, e := range set.Spec.Template.Spec.Containers[0].Env {
		if e.Name == "INSTANCE_ID" && e.ValueFrom.FieldRef.FieldPath == "metadata.name" {
			return
		}
	}
	t.Error("INSTANCE_ID is not the name of the pod")
}

// TestChangesRestart: a setting that changes must start the pods anew.
func TestChangesRestart(t *testing.T) {
	sum := func(given values) string {
		text, err := render(t, given)
		if err != nil {
			t.Fatal(err)
		}
		objects, _ := decode(t, text)
		return fmt.Sprint(one[*appsv1.StatefulSet](t, objects).Spec.Template.Annotations)
	}
	for name, changed := range map[string]values{
		"a setting": with(values{"settings": values{"LOG_LEVEL": "debug"}}), "a secret": with(values{"secretsRevision": "1"}),
	} {
		if sum(least()) == sum(changed) {
			t.Errorf("%s changes nothing of the pods", name)
		}
	}
}

func hardened(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	p, c := pod.SecurityContext, pod.Containers[0]
	s := c.SecurityContext
	switch {
	case p == nil || s == nil:
		t.Error("no security context")
	case !*p.RunAsNonRoot || *p.RunAsUser == 0 || p.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault,
		!*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || s.Privileged != nil,
		len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" || len(s.Capabilities.Add) > 0,
		pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken:
		t.Errorf("the pod may do more than it needs: %+v %+v", p, s)
	}
	if c.Resources.Requests.Memory().Cmp(resource.MustParse("16Mi")) < 0 || c.Resources.Limits.Memory().Cmp(*c.Resources.Requests.Memory()) < 0 {
		t.Errorf("resources %+v", c.Resources)
	}
	for _, v := range pod.Volumes {
		if v.Secret == nil {
			t.Errorf("volume %s is no secret: the program needs no disk", v.Name)
		} else if *v.Secret.DefaultMode != 0o440 || v.Secret.SecretName == "" {
			t.Errorf("secret %q has mode %o", v.Secret.SecretName, *v.Secret.DefaultMode)
		}
	}
}

// files holds that every file that a setting names is mounted, and every mount used.
func files(t *testing.T, settings map[string]string, pod corev1.PodSpec) {
	t.Helper()
	mounted := map[string]string{} // directory to volume
	for _, m := range pod.Containers[0].VolumeMounts {
		mounted[m.MountPath] = m.Name
		if !m.ReadOnly {
			t.Errorf("%s can be written", m.MountPath)
		}
	}
	used := map[string]bool{}
	for name, value := range settings {
		if !strings.HasSuffix(name, "_FILE") {
			continue
		}
		dir := filepath.Dir(value)
		used[dir] = true
		i := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == mounted[dir] })
		if mounted[dir] == "" || i < 0 {
			t.Errorf("%s=%s is not mounted", name, value)
			continue
		}
		items := pod.Volumes[i].Secret.Items
		if len(items) > 0 && items[0].Path != filepath.Base(value) {
			t.Errorf("%s=%s, the volume has %s", name, value, items[0].Path)
		}
	}
	if len(used) != len(mounted) {
		t.Errorf("mounts %v, used %v", mounted, used)
	}
}

// monitoring looks at the fields that the Prometheus operator reads.
func monitoring(t *testing.T, o values) {
	t.Helper()
	spec, _ := o["spec"].(values)
	switch o["kind"] {
	case "ServiceMonitor":
		served(t, fmt.Sprint(spec["endpoints"].([]any)[0].(values)["path"]))
	case "PrometheusRule":
		alerts, err := os.ReadFile(root + "/deploy/prometheus/alerts.yaml")
		if err != nil {
			t.Fatal(err)
		}
		var want values
		if err := yaml.Unmarshal(alerts, &want); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(want) != fmt.Sprint(spec) || len(spec) == 0 {
			t.Error("the rules are not those of deploy/prometheus/alerts.yaml")
		}
	default:
		t.Errorf("unexpected %v", o["kind"])
	}
}

func TestLint(t *testing.T) {
	for name, given := range combinations() {
		result := lint.RunAll(chartDir, given, "recorder")
		for _, m := range result.Messages {
			// An icon is for catalogues.
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, m)
			}
		}
		if result.HighestSeverity >= support.ErrorSev {
			t.Errorf("%s: severity %d", name, result.HighestSeverity)
		}
	}
}

func TestBadValuesAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		given values
		says  string
	}{
		"nothing":            {values{}, "adapter"},
		"no secret":          {with(values{"genesys": values{"existingSecret": ""}}), "existingSecret"},
		"a bad name":         {with(values{"adapter": values{"name": "a b"}}), "name"},
		"misspelled":         {with(values{"replica": 2}), "replica"},
		"misspelled inside":  {with(values{"nats": values{"urls": "x"}}), "urls"},
		"an unknown setting": {with(values{"settings": values{"LOGLEVEL": "debug"}}), "LOGLEVEL"},
		"a secret setting":   {with(values{"settings": values{"GENESYS_CLIENT_SECRET": "x"}}), "GENESYS_CLIENT_SECRET"},
		"a chart's setting":  {with(values{"settings": values{"INSTANCE_ID": "x"}}), "INSTANCE_ID"},
		"three instances":    {with(values{"replicas": 3}), "replicas"},
		"two replicas":       {with(values{"nats": values{"replicas": 2}}), "replicas"},
		"no NATS secret":     {with(values{"nats": values{"auth": values{"kind": "nkey"}}}), "existingSecret"},
		"unknown kind":       {with(values{"nats": values{"auth": values{"kind": "jwt"}}}), "kind"},
		"no user":            {with(values{"nats": values{"auth": values{"kind": "password", "existingSecret": "s"}}}), "user"},
		"no grace":           {with(values{"terminationGracePeriodSeconds": 5}), "terminationGracePeriodSeconds"},
		"a word for a list":  {with(values{"tolerations": "all"}), "tolerations"},
		"a wrong digest":     {with(values{"image": values{"digest": "latest"}}), "digest"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := render(t, test.given); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want a refusal that names %s", err, test.says)
			}
		})
	}
}

// leaves lists the names of values, as people write them. An empty object is one.
func leaves(prefix string, v values) []string {
	var all []string
	for name, value := range v {
		if inner, ok := value.(values); ok && len(inner) > 0 && name != "labels" {
			all = append(all, leaves(prefix+name+".", inner)...)
			continue
		}
		all = append(all, prefix+name)
	}
	slices.Sort(all)
	return all
}

// TestValuesAreDocumented holds values.yaml, its comments and the page together.
func TestValuesAreDocumented(t *testing.T) {
	content, err := os.ReadFile(chartDir + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(chartDir + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows bytes.Buffer
	path, comment := []string{}, ""
	line := regexp.MustCompile(`^( *)([A-Za-z]+):(?: (.*))?$`)
	for text := range strings.Lines(string(content)) {
		text = strings.TrimRight(text, "\n")
		if _, said, ok := strings.Cut(text, "# -- "); ok {
			comment = said
			continue
		}
		match := line.FindStringSubmatch(text)
		if match == nil {
			continue
		}
		path = append(path[:len(match[1])/2], match[2])
		if comment != "" {
			value := match[3]
			if value == "" {
				value = `{"grafana_dashboard":"1"}`
			}
			fmt.Fprintf(&rows, "| `%s` | `%s` | %s |\n", strings.Join(path, "."), value, comment)
			comment = ""
		}
	}
	const begin, end = "<!-- values -->\n", "<!-- end of values -->"
	before, rest, _ := strings.Cut(string(page), begin)
	_, after, found := strings.Cut(rest, end)
	want := before + begin + "| value | default | meaning |\n|---|---|---|\n" + rows.String() + end + after
	if !found || string(page) != want {
		if os.Getenv("UPDATE") != "" && found {
			if err := os.WriteFile(chartDir+"/README.md", []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		t.Error("the table of deploy/chart/README.md is not that of values.yaml: UPDATE=1 go test -run Documented . in deploy/check")
	}
	for _, name := range leaves("", load(t).Values) {
		if !strings.Contains(rows.String(), "| `"+name+"` |") {
			t.Errorf("%s has no comment in values.yaml", name)
		}
	}
}

// programSettings holds that a variable is one that the program reads.
func programSettings(t *testing.T, settings map[string]string) {
	t.Helper()
	known := reference(t)
	for name := range settings {
		if !slices.Contains(known, name) {
			t.Errorf("%s is no setting", name)
		}
	}
}

// reference lists the settings of deploy/settings.md.
func reference(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(root + "/deploy/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)`(?: or `([A-Z_]+)`)? \\|").FindAllStringSubmatch(string(content), -1) {
		all = append(all, m[1])
		if m[2] != "" {
			all = append(all, m[2])
		}
	}
	if len(all) < 40 {
		t.Fatalf("only %d settings: the test reads the page wrongly", len(all))
	}
	return all
}

// TestSchemaKnowsTheSettings: "settings" takes every setting that is no secret and that
// no other value is for.
func TestSchemaKnowsTheSettings(t *testing.T) {
	text, err := render(t, combinations()["nkey and TLS"])
	if err != nil {
		t.Fatal(err)
	}
	own := regexp.MustCompile(`^(GENESYS_CLIENT_.*|GENESYS_PROXY_URL|GENESYS_REGION_HOST|NATS_.*|ADAPTER_.*|INSTANCE_ID|HTTP_ADDR)$`)
	for _, name := range reference(t) {
		_, err := render(t, with(values{"settings": values{name: "x"}}))
		if taken := own.MatchString(name); taken == (err == nil) {
			t.Errorf("%s in settings: %v", name, err)
		}
	}
	if strings.Contains(text, "sandbox") {
		t.Error("the chart knows the sandbox")
	}
}

// served holds that the program answers a path.
func served(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(root + "/internal/app/http.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(content, []byte(`"GET `+path+`"`)) {
		t.Errorf("%s is not served", path)
	}
}

// TestServersOnKubernetes decodes the NATS cluster of deploy/nats in the same way.
func TestServersOnKubernetes(t *testing.T) {
	content, err := os.ReadFile(root + "/deploy/nats/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects, _ := decode(t, string(content))
	set := one[*appsv1.StatefulSet](t, objects)
	routes := 0
	for _, e := range set.Spec.Template.Spec.Containers[0].Env {
		if strings.HasPrefix(e.Name, "NATS_ROUTE_") {
			if want := fmt.Sprintf("nats://%s-%d.%s:6222", set.Name, routes, set.Spec.ServiceName); e.Value != want {
				t.Errorf("%s is %s, want %s", e.Name, e.Value, want)
			}
			routes++
		}
	}
	if routes != int(*set.Spec.Replicas) {
		t.Errorf("%d routes for %d servers", routes, *set.Spec.Replicas)
	}
	if p := one[*networkingv1.NetworkPolicy](t, objects).Spec.PodSelector.MatchLabels; fmt.Sprint(p) != fmt.Sprint(set.Spec.Selector.MatchLabels) {
		t.Errorf("the policy is for %v", p)
	}
}
