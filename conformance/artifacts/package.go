package artifacts

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// manifest is package.json of a FHIR package.
type manifest struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Type         string            `json:"type"`
	Canonical    string            `json:"canonical"`
	Title        string            `json:"title"`
	Description  string            `json:"description"`
	FHIRVersions []string          `json:"fhirVersions"`
	Dependencies map[string]string `json:"dependencies"`
	Author       string            `json:"author"`
	License      string            `json:"license"`
}

// index is .index.json of a FHIR package.
type index struct {
	Version int         `json:"index-version"`
	Files   []indexFile `json:"files"`
}

type indexFile struct {
	Filename     string `json:"filename"`
	ResourceType string `json:"resourceType"`
	ID           string `json:"id"`
	URL          string `json:"url,omitempty"`
	Version      string `json:"version,omitempty"`
	Kind         string `json:"kind,omitempty"`
	Type         string `json:"type,omitempty"`
}

// file is one file of the package.
type file struct {
	name string
	body []byte
}

// Package returns the published artefacts as a FHIR package, a .tgz with the folder package, which
// `--package` loads. Examples are in package/example, the JSON Schemas in package/other. The bytes are
// the same for the same artefacts.
func Package() ([]byte, error) {
	const op = "artifacts.Package"
	all, err := All()
	if err != nil {
		return nil, err
	}
	schemas, err := Schemas()
	if err != nil {
		return nil, err
	}
	definitions, err := resourceFiles("package/", slices.DeleteFunc(slices.Clone(all), IsExample))
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	examples, err := resourceFiles("package/example/", slices.DeleteFunc(all, func(r *fhir.Resource) bool { return !IsExample(r) }))
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	about, err := json.MarshalIndent(manifest{
		Name: PackageName, Version: Version, Type: "IG", Canonical: fhir.Canonical, Title: title, Description: about,
		FHIRVersions: []string{fhirR4}, Dependencies: map[string]string{"hl7.fhir.r4.core": fhirR4}, Author: "drieluik", License: license,
	}, "", " ")
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	out := slices.Concat([]file{{"package/package.json", about}}, definitions, examples)
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		out = append(out, file{"package/other/" + name, schemas[name]})
	}
	b, err := archive(out)
	return b, fhir.Wrap(op, err)
}

// resourceFiles are the files of a folder, its index first.
func resourceFiles(folder string, all []*fhir.Resource) ([]file, error) {
	toc := index{Version: 1}
	var out []file
	for _, r := range all {
		root := r.Root()
		name := string(r.Type()) + "-" + r.ID() + ".json"
		toc.Files = append(toc.Files, indexFile{
			Filename: name, ResourceType: string(r.Type()), ID: r.ID(), URL: root.Member("url").Text(),
			Version: root.Member("version").Text(), Kind: root.Member("kind").Text(), Type: root.Member("type").Text(),
		})
		out = append(out, file{folder + name, r.Bytes()})
	}
	slices.SortFunc(toc.Files, func(a, b indexFile) int { return cmp.Compare(a.Filename, b.Filename) })
	slices.SortFunc(out, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	b, err := json.MarshalIndent(toc, "", " ")
	return append([]file{{folder + ".index.json", b}}, out...), err
}

// archive packs files. Nothing in it tells when or where it was made.
func archive(files []file) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	for _, f := range files {
		h := tar.Header{Name: f.name, Size: int64(len(f.body)), Mode: 0o644, Typeflag: tar.TypeReg, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := t.WriteHeader(&h); err != nil {
			return nil, err
		}
		if _, err := t.Write(f.body); err != nil {
			return nil, err
		}
	}
	if err := t.Close(); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
