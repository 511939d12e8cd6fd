package packages_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/conformance/packages"
)

const definition = `{"resourceType":"StructureDefinition","url":"http://e.org/a","version":"1","description":""}`

// folder writes files and returns where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tarball writes a .tgz and returns its name.
func tarball(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if w.Close() != nil || z.Close() != nil {
		t.Fatal("cannot write the tarball")
	}
	name := filepath.Join(t.TempDir(), "a.tgz")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPackagesOfEveryFormAreLoaded(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a.json": definition, "package.json": `{"name":"a"}`, ".index.json": `{"resourceType":"x"`, "readme.txt": "text",
		"other.json": `{"a":1}`, "nameless.json": `{"resourceType":"Patient"}`,
		"more.ndjson": strings.ReplaceAll(definition, "/a", "/b") + "\n\n" + strings.ReplaceAll(definition, "/a", "/c") + "\n",
		"all.json":    `{"resourceType":"Bundle","entry":[{"resource":` + strings.ReplaceAll(definition, "/a", "/d") + `}]}`,
	}
	within := map[string]string{"examples/x.json": "{"}
	for name, text := range files {
		within["package/"+name] = text
	}
	for name, path := range map[string]string{
		"a folder": folder(t, files), "a folder with a folder package": folder(t, within), "a tarball": tarball(t, within),
	} {
		var set packages.Set
		if err := set.Load(path); err != nil {
			t.Fatal(name, err)
		}
		for _, url := range []string{"http://e.org/a", "http://e.org/b", "http://e.org/c", "http://e.org/d"} {
			if _, ok := set.Definition(url); !ok {
				t.Errorf("%s: %s is not found", name, url)
			}
		}
		if set.Len() != 4 {
			t.Errorf("%s: %d definitions", name, set.Len())
		}
	}
}

func TestADefinitionIsFoundByItsVersion(t *testing.T) {
	t.Parallel()
	var set packages.Set
	second := strings.ReplaceAll(definition, `"1"`, `"2"`)
	if err := set.Load(folder(t, map[string]string{"a.json": definition}), folder(t, map[string]string{"a.json": second})); err != nil {
		t.Fatal(err)
	}
	for canonical, want := range map[string]string{"http://e.org/a": "2", "http://e.org/a|1": "1", "http://e.org/a|2": "2", "http://e.org/a|3": "", "http://e.org/b": ""} {
		if n, _ := set.Definition(canonical); n.Member("version").Text() != want {
			t.Errorf("%s: version %q, want %q", canonical, n.Member("version").Text(), want)
		}
	}
	if got := len(set.Resources("StructureDefinition")); got != 0 {
		t.Errorf("%d resources of broken JSON", got)
	}
}

func TestAPackageThatCannotBeUsedIsNamedWithoutItsContent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ path, says string }{
		"an absent folder":    {filepath.Join(t.TempDir(), "nope"), "cannot be read"},
		"an empty folder":     {t.TempDir(), "holds no definitions"},
		"a broken definition": {folder(t, map[string]string{"a.json": `{"resourceType":"geheim`}), "a.json is no FHIR resource"},
		"no tarball":          {filepath.Join(folder(t, map[string]string{"a.tgz": "geheim"}), "a.tgz"), "is no .tgz"},
	} {
		var set packages.Set
		err := set.Load(c.path)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
