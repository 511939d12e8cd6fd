package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/bundle"
)

// bareResources are the resources that stand by themselves in lines, as a bulk export gives them: where they are,
// and what they are about. Each child's become one Bundle when all lines were seen.
type bareResources struct {
	rows  []bareRow
	at    map[fhir.Ref]int
	names map[fhir.Ref]fhir.Ref // that lines have, each once
	base  string                // FHIR base of the server that they come from
}

// bareRow is one of them.
type bareRow struct {
	file   string
	line   int
	offset int64
	size   int64
	ref    fhir.Ref
	about  []fhir.Ref // children
	refs   []fhir.Ref // everything else that it refers to
	taken  bool       // it is in a Bundle
	bad    *fhir.Issue
}

// take keeps a line in mind, and reports whether it is a resource by itself.
func (b *bareResources) take(rec importRecord, offset int64) bool {
	if rec.bad != nil {
		return false
	}
	r, issues := fhir.Parse(rec.body, fhir.Limits{})
	if !standsAlone(rec.body, r, fhir.HasErrors(issues)) {
		return false
	}
	row := bareRow{file: rec.file, line: rec.line, offset: offset, size: rec.size}
	switch {
	case fhir.HasErrors(issues):
		row.bad = &issues[0]
	case r.ID() == "" || !bundle.Pushable(r.Type()):
		row.bad = &fhir.Issue{Severity: fhir.SeverityError, Code: "not-supported", Diagnostics: "import-resource",
			Text: "A resource of this type, or without an id, cannot be imported; leave it out."}
	default:
		b.read(&row, r)
	}
	b.rows = append(b.rows, row)
	return true
}

// standsAlone reports whether a line is a resource, and neither a source document nor a Bundle. One that cannot be
// parsed is what its head says.
func standsAlone(line []byte, r *fhir.Resource, faulty bool) bool {
	if !faulty {
		return r.Type() != bundle.Schema && !r.Root().Member("schema").Exists()
	}
	var head struct{ ResourceType, Schema string }
	return json.Unmarshal(line, &head) == nil && head.ResourceType != "" && head.ResourceType != bundle.Schema && head.Schema == ""
}

// read keeps what a resource is about and refers to, without its text: a name is kept once, however many lines have it.
func (b *bareResources) read(row *bareRow, r *fhir.Resource) {
	row.ref = b.kept(r.Ref())
	if _, twice := b.at[row.ref]; twice {
		row.bad = &fhir.Issue{Severity: fhir.SeverityError, Code: "duplicate", Diagnostics: "import-twice",
			Text: "This type and id came before in these files; give each resource once."}
		return
	}
	b.at[row.ref] = len(b.rows)
	for text := range r.References() {
		if ref, ok := fhir.ParseRef(strings.TrimPrefix(text, b.base+"/")); ok && !slices.Contains(row.refs, ref.Current()) {
			row.refs = append(row.refs, b.kept(ref.Current()))
		}
	}
	for _, child := range auth.FactsOf(r, nil, nil).Patients {
		row.about = append(row.about, b.kept(child))
	}
}

// kept is a reference that holds no line in memory.
func (b *bareResources) kept(ref fhir.Ref) fhir.Ref {
	same, ok := b.names[ref]
	if !ok {
		same = ref
		same.Type, same.ID = fhir.Type(strings.Clone(string(ref.Type))), strings.Clone(ref.ID)
		b.names[same] = same
	}
	return same
}

// records gives a Bundle for each child, then what belongs to none, as refused.
func (b *bareResources) records(yield func(importRecord) bool) error {
	of := map[fhir.Ref][]int{}
	for i := range b.rows {
		for _, child := range b.childrenOf(i) {
			of[child] = append(of[child], i)
		}
	}
	for i := range b.rows {
		row := &b.rows[i]
		if row.bad != nil || row.ref.Type != "Patient" {
			continue
		}
		rec, err := b.bundle(i, of[row.ref])
		if err != nil || !yield(rec) {
			return err
		}
	}
	for _, row := range b.rows {
		if row.bad == nil && !row.taken {
			row.bad = &fhir.Issue{Severity: fhir.SeverityError, Code: "not-found", Diagnostics: "import-child",
				Text: "No Patient in these files is what this resource is about, or refers to; give the files of a child together."}
		}
		if row.bad != nil && !yield(importRecord{file: row.file, line: row.line, size: row.size, lanes: []string{row.file}, bad: row.bad}) {
			return nil
		}
	}
	return nil
}

// childrenOf are whom a resource is about: as it says, else as what it refers to says, such as the targets of a
// Provenance. What is in the directory is about nobody.
func (b *bareResources) childrenOf(i int) []fhir.Ref {
	row := b.rows[i]
	if len(row.about) > 0 || row.bad != nil || auth.IsDirectory(row.ref.Type) {
		return row.about
	}
	var out []fhir.Ref
	for _, ref := range row.refs {
		to, ok := b.at[ref]
		if !ok {
			continue
		}
		for _, child := range b.rows[to].about {
			if !slices.Contains(out, child) {
				out = append(out, child)
			}
		}
	}
	return out
}

// bundle makes the transaction of a child: the Patient, what is about it, and what those refer to that is about
// nobody.
func (b *bareResources) bundle(patient int, own []int) (importRecord, error) {
	list := append([]int{patient}, slices.DeleteFunc(own, func(i int) bool { return i == patient })...)
	in := map[int]bool{}
	for _, i := range list {
		in[i] = true
	}
	for at := 0; at < len(list); at++ {
		for _, ref := range b.rows[list[at]].refs {
			if to, ok := b.at[ref]; ok && !in[to] && len(b.childrenOf(to)) == 0 {
				in[to] = true
				list = append(list, to)
			}
		}
	}
	rec := importRecord{file: b.rows[patient].file, line: b.rows[patient].line, lanes: []string{"Patient\x00" + b.rows[patient].ref.ID}}
	var entries bytes.Buffer
	for _, i := range list {
		row := &b.rows[i]
		if !row.taken {
			rec.size += row.size
		}
		row.taken = true
		rec.entries = append(rec.entries, row.ref.String())
		text, err := row.read()
		if err != nil {
			return rec, err
		}
		if entries.Len() > 0 {
			entries.WriteByte(',')
		}
		fmt.Fprintf(&entries, `{"fullUrl":%q,"resource":%s,"request":{"method":"PUT","url":%q}}`, b.base+"/"+row.ref.String(), text, row.ref)
		if entries.Len() > importLimit {
			rec.bad = tooLarge()
			return rec, nil
		}
	}
	sum := sha256.Sum256(entries.Bytes())
	rec.body = fmt.Appendf(nil, `{"resourceType":"Bundle","identifier":{"system":"urn:drieluik:import","value":%q},"type":"transaction","entry":[%s]}`,
		hex.EncodeToString(sum[:]), entries.Bytes())
	return rec, nil
}

// read reads the line again.
func (row bareRow) read() ([]byte, error) {
	in, err := os.Open(row.file)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s; check the path", row.file)
	}
	text := make([]byte, row.size)
	_, err = in.ReadAt(text, row.offset)
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, fmt.Errorf("cannot read %s; it changed while it was imported", row.file)
	}
	return bytes.TrimSpace(text), nil
}
