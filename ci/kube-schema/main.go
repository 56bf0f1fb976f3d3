// kube-schema prints, as JSON, the fields of every kind that kube-sim serves: wire numbers, types and merge keys, as
// the published Go types declare them. Its output is scenarios/kube-sim/data/schema.json; see README.md beside it.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscaling "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	certificates "k8s.io/api/certificates/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	events "k8s.io/api/events/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	metrics "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// Go types by the wire names of their kinds.
var roots = map[string]any{
	"v1/Binding":                                       core.Binding{},
	"v1/ConfigMap":                                     core.ConfigMap{},
	"v1/Endpoints":                                     core.Endpoints{},
	"v1/Event":                                         core.Event{},
	"v1/LimitRange":                                    core.LimitRange{},
	"v1/Namespace":                                     core.Namespace{},
	"v1/Node":                                          core.Node{},
	"v1/PersistentVolume":                              core.PersistentVolume{},
	"v1/PersistentVolumeClaim":                         core.PersistentVolumeClaim{},
	"v1/Pod":                                           core.Pod{},
	"v1/PodTemplate":                                   core.PodTemplate{},
	"v1/ResourceQuota":                                 core.ResourceQuota{},
	"v1/Secret":                                        core.Secret{},
	"v1/Service":                                       core.Service{},
	"v1/ServiceAccount":                                core.ServiceAccount{},
	"v1/DeleteOptions":                                 meta.DeleteOptions{},
	"v1/Status":                                        meta.Status{},
	"meta.k8s.io/v1/DeleteOptions":                     meta.DeleteOptions{},
	"meta.k8s.io/v1/PartialObjectMetadata":             meta.PartialObjectMetadata{},
	"autoscaling/v1/Scale":                             autoscaling.Scale{},
	"autoscaling/v1/HorizontalPodAutoscaler":           autoscaling.HorizontalPodAutoscaler{},
	"autoscaling/v2/HorizontalPodAutoscaler":           autoscalingv2.HorizontalPodAutoscaler{},
	"apps/v1/ControllerRevision":                       apps.ControllerRevision{},
	"apps/v1/DaemonSet":                                apps.DaemonSet{},
	"apps/v1/Deployment":                               apps.Deployment{},
	"apps/v1/ReplicaSet":                               apps.ReplicaSet{},
	"apps/v1/StatefulSet":                              apps.StatefulSet{},
	"batch/v1/CronJob":                                 batch.CronJob{},
	"batch/v1/Job":                                     batch.Job{},
	"coordination.k8s.io/v1/Lease":                     coordination.Lease{},
	"discovery.k8s.io/v1/EndpointSlice":                discovery.EndpointSlice{},
	"events.k8s.io/v1/Event":                           events.Event{},
	"networking.k8s.io/v1/Ingress":                     networking.Ingress{},
	"networking.k8s.io/v1/IngressClass":                networking.IngressClass{},
	"networking.k8s.io/v1/NetworkPolicy":               networking.NetworkPolicy{},
	"policy/v1/Eviction":                               policy.Eviction{},
	"policy/v1/PodDisruptionBudget":                    policy.PodDisruptionBudget{},
	"rbac.authorization.k8s.io/v1/ClusterRole":         rbac.ClusterRole{},
	"rbac.authorization.k8s.io/v1/ClusterRoleBinding":  rbac.ClusterRoleBinding{},
	"rbac.authorization.k8s.io/v1/Role":                rbac.Role{},
	"rbac.authorization.k8s.io/v1/RoleBinding":         rbac.RoleBinding{},
	"authentication.k8s.io/v1/SelfSubjectReview":       authentication.SelfSubjectReview{},
	"authentication.k8s.io/v1/TokenRequest":            authentication.TokenRequest{},
	"authentication.k8s.io/v1/TokenReview":             authentication.TokenReview{},
	"authorization.k8s.io/v1/LocalSubjectAccessReview": authorization.LocalSubjectAccessReview{},
	"authorization.k8s.io/v1/SelfSubjectAccessReview":  authorization.SelfSubjectAccessReview{},
	"authorization.k8s.io/v1/SelfSubjectRulesReview":   authorization.SelfSubjectRulesReview{},
	"authorization.k8s.io/v1/SubjectAccessReview":      authorization.SubjectAccessReview{},
	"certificates.k8s.io/v1/CertificateSigningRequest": certificates.CertificateSigningRequest{},
	"metrics.k8s.io/v1beta1/NodeMetrics":               metrics.NodeMetrics{},
	"metrics.k8s.io/v1beta1/PodMetrics":                metrics.PodMetrics{},
	"scheduling.k8s.io/v1/PriorityClass":               scheduling.PriorityClass{},
	"storage.k8s.io/v1/StorageClass":                   storage.StorageClass{},
	"admissionregistration.k8s.io/v1/MutatingWebhookConfiguration":   admissionregistration.MutatingWebhookConfiguration{},
	"admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration": admissionregistration.ValidatingWebhookConfiguration{},
}

// Types whose JSON is not an object of their fields.
var special = map[reflect.Type]string{
	reflect.TypeOf(meta.Time{}):            "time",
	reflect.TypeOf(meta.MicroTime{}):       "microtime",
	reflect.TypeOf(meta.Duration{}):        "duration",
	reflect.TypeOf(meta.FieldsV1{}):        "fields",
	reflect.TypeOf(resource.Quantity{}):    "quantity",
	reflect.TypeOf(intstr.IntOrString{}):   "intorstring",
	reflect.TypeOf(runtime.RawExtension{}): "raw",
}

// A field: name, number, type, patch strategy, merge key, topology; trailing empty parts are left out.
type field []any

var types = map[string][]field{}

// Structures that are one value when applied.
var atomic = []string{}

func main() {
	names := map[string]string{}
	for name, value := range roots {
		names[name] = visit(reflect.TypeOf(value))
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	fmt.Print("{\n\"kinds\": {\n")
	lines(names, func(name string) any { return names[name] })
	fmt.Print("},\n\"types\": {\n")
	lines(types, func(name string) any { return types[name] })
	sort.Strings(atomic)
	whole, err := json.Marshal(atomic)
	if err != nil {
		panic(err)
	}
	fmt.Printf("},\n\"atomic\": %s\n}\n", whole)
}

func lines[V any](table map[string]V, row func(string) any) {
	keys := make([]string, 0, len(table))
	for key := range table {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for at, key := range keys {
		text, err := json.Marshal(row(key))
		if err != nil {
			panic(err)
		}
		comma := ","
		if at == len(keys)-1 {
			comma = ""
		}
		fmt.Printf("%q: %s%s\n", key, text, comma)
	}
}

// visit notes a struct and all it holds, and says how fields of this type are written.
func visit(t reflect.Type) string {
	if name, ok := special[t]; ok {
		return name
	}
	switch t.Kind() {
	case reflect.Pointer:
		return visit(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + visit(t.Elem())
	case reflect.Map:
		return "{}" + visit(t.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Uint8:
		return "int"
	case reflect.Float64:
		return "float"
	case reflect.Struct:
		return visitStruct(t)
	}
	panic("no rule for " + t.String())
}

func visitStruct(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	name := strings.Join(parts[len(parts)-2:], ".") + "." + t.Name()
	if _, seen := types[name]; seen {
		return name
	}
	types[name] = nil
	if marksOf(t, "").topology == "atomic" {
		atomic = append(atomic, name)
	}
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		jsonName, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		proto := strings.Split(f.Tag.Get("protobuf"), ",")
		if jsonName == "-" || !f.IsExported() {
			continue
		}
		if f.Anonymous && jsonName == "" {
			if f.Type != reflect.TypeOf(meta.TypeMeta{}) {
				// An embedded struct: flat in JSON; on the wire a message of its own, if it has a number.
				number := 0
				if len(proto) > 1 {
					number, _ = strconv.Atoi(proto[1])
				}
				fields = append(fields, field{"", number, visit(f.Type)})
			}
			continue
		}
		number := 0
		if len(proto) > 1 {
			number, _ = strconv.Atoi(proto[1])
		}
		kind := visit(f.Type)
		if f.Type.Kind() == reflect.Pointer {
			kind = "*" + kind
		}
		if required(t, f.Name, strings.Contains(options, "omitempty")) {
			kind = "!" + kind
		}
		row := field{jsonName, number, kind}
		strategy, key := f.Tag.Get("patchStrategy"), f.Tag.Get("patchMergeKey")
		for _, part := range []string{strategy, key, marksOf(t, f.Name).topology} {
			row = append(row, part)
		}
		for row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		fields = append(fields, row)
	}
	types[name] = fields
	return name
}

// What the comments on a field, or on a type, say of it.
type mark struct {
	// "optional" or "required"; empty where nothing is said.
	presence string
	// "atomic", "set", or "map=" and the keys of its items; empty where nothing is said.
	topology string
}

// Marks by package and then by "Type.Field"; those of a type itself by "Type.".
var marks = map[string]map[string]mark{}

func marksOf(t reflect.Type, name string) mark {
	path := t.PkgPath()
	if _, read := marks[path]; !read {
		marks[path] = readMarks(path)
	}
	return marks[path][t.Name()+"."+name]
}

// required says whether the published description of the API calls a field required: as the comment on it says, or else
// when its zero is written.
func required(t reflect.Type, name string, mayBeLeftOut bool) bool {
	switch marksOf(t, name).presence {
	case "required":
		return true
	case "optional":
		return false
	}
	return !mayBeLeftOut
}

func readMarks(path string) map[string]mark {
	found := map[string]mark{}
	folder, err := build.Import(path, ".", build.FindOnly)
	if err != nil {
		panic(err)
	}
	packages, err := parser.ParseDir(token.NewFileSet(), folder.Dir, nil, parser.ParseComments)
	if err != nil {
		panic(err)
	}
	for _, sources := range packages {
		ast.Inspect(sources, func(node ast.Node) bool {
			declaration, isDeclaration := node.(*ast.GenDecl)
			if !isDeclaration {
				return true
			}
			for _, spec := range declaration.Specs {
				declared, isType := spec.(*ast.TypeSpec)
				if !isType {
					continue
				}
				found[declared.Name.Name+"."] = markOf(declaration.Doc)
				if structure, isStruct := declared.Type.(*ast.StructType); isStruct {
					for _, f := range structure.Fields.List {
						for _, name := range namesOf(f) {
							found[declared.Name.Name+"."+name] = markOf(f.Doc)
						}
					}
				}
			}
			return false
		})
	}
	return found
}

// namesOf gives the names of a field; that of an embedded one is its type's.
func namesOf(f *ast.Field) []string {
	var names []string
	for _, name := range f.Names {
		names = append(names, name.Name)
	}
	if embedded, isEmbedded := f.Type.(*ast.SelectorExpr); isEmbedded && len(names) == 0 {
		names = append(names, embedded.Sel.Name)
	}
	return names
}

func markOf(doc *ast.CommentGroup) mark {
	var found mark
	if doc == nil {
		return found
	}
	var keys []string
	for _, line := range doc.List {
		words := strings.Fields(strings.TrimPrefix(line.Text, "//"))
		if len(words) == 0 {
			continue
		}
		name, value, _ := strings.Cut(words[0], "=")
		switch name {
		case "+required", "+optional":
			if found.presence == "" {
				found.presence = strings.TrimPrefix(name, "+")
			}
		case "+listType", "+mapType", "+structType":
			found.topology = value
		case "+listMapKey":
			keys = append(keys, value)
		}
	}
	switch {
	case found.topology == "map":
		found.topology = "map=" + strings.Join(keys, ",")
	case found.topology == "granular":
		found.topology = ""
	}
	return found
}
