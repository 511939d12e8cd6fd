package fhir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
	"github.com/google/fhir/go/fhirversion"
	"github.com/google/fhir/go/jsonformat"
	rpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/bundle_and_contained_resource_go_proto"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
)

// shared returns the folder with third-party definitions, or skips the test.
func shared(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("DRIELUIK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no third-party definitions: set DRIELUIK_SHARED")
	}
	return dir
}

// oracle is google's own translation between JSON and messages.
type oracle struct {
	in  *jsonformat.Unmarshaller
	out *jsonformat.Marshaller
}

func newOracle(t testing.TB) oracle {
	t.Helper()
	in, err := jsonformat.NewUnmarshallerWithoutValidation("UTC", fhirversion.R4)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonformat.NewMarshaller(false, "", "", fhirversion.R4)
	if err != nil {
		t.Fatal(err)
	}
	return oracle{in, out}
}

// print returns what google prints, as a tree.
func (o oracle) print(t testing.TB, m *rpb.ContainedResource) *fhir.Resource {
	t.Helper()
	text, err := o.out.Marshal(proto.Clone(m))
	if err != nil {
		t.Fatal(err)
	}
	r, issues := fhir.Parse(text, fhir.Limits{Bytes: 50_000_000})
	if r == nil {
		t.Fatal(issues)
	}
	return r
}

// examples calls f for each JSON example of the shared packages that google can read.
func examples(t *testing.T, o oracle, f func(t *testing.T, src []byte, m *rpb.ContainedResource)) {
	t.Helper()
	root := shared(t)
	read, refused := 0, 0
	for _, pattern := range []string{"nl-core/examples/*.json", "se-base/examples/*.json"} {
		files, err := filepath.Glob(filepath.Join(root, "fhir", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := o.in.UnmarshalR4(src)
			if err != nil {
				refused++
				t.Logf("google refuses %s: %v", filepath.Base(file), err)
				continue
			}
			read++
			t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) { f(t, src, m) })
		}
	}
	if read < 100 || refused > read/10 {
		t.Errorf("google read %d examples and refused %d", read, refused)
	}
}

func TestFromProtoPrintsWhatGooglePrints(t *testing.T) {
	t.Parallel()
	o := newOracle(t)
	examples(t, o, func(t *testing.T, src []byte, m *rpb.ContainedResource) {
		before := proto.Clone(m)
		got, err := fhir.FromProto(m)
		if err != nil {
			t.Fatal(err)
		}
		if want := o.print(t, m); !fhir.Equal(got.Root(), want.Root()) {
			t.Errorf("got  %s\nwant %s", got.Bytes(), want.Bytes())
		}
		if !proto.Equal(before, m) {
			t.Error("the message was changed")
		}
	})
}

func TestToProtoReadsWhatGoogleReads(t *testing.T) {
	t.Parallel()
	o := newOracle(t)
	examples(t, o, func(t *testing.T, src []byte, want *rpb.ContainedResource) {
		r := must(t, string(src))
		got := &rpb.ContainedResource{}
		if err := fhir.ToProto(r, got); err != nil {
			t.Fatalf("%+v", err)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
		back, err := fhir.FromProto(got)
		if err != nil {
			t.Fatal(err)
		}
		if printed := o.print(t, want); !fhir.Equal(printed.Root(), back.Root()) {
			t.Errorf("got  %s\nwant %s", back.Bytes(), printed.Bytes())
		}
	})
}
