// Command gen makes the dictionary of fhir/store from the project's own fictional records:
//
//	drieluik convert testdata/mks/boris/01-kind.json > samples/boris-01.json   (and so on)
//	go run ./fhir/store/gen -out fhir/store/dictionary-1.ndjson samples
//
// Every resource in the JSON files below the arguments is a sample: Bundles are taken apart. With
// them belong AuditEvents that a server wrote about these records, one of each kind of access. A
// dictionary that has been in a release never changes; make the next id instead.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/s2"
)

func main() {
	out := flag.String("out", "", "file to write")
	size := flag.Int("size", s2.MaxDictSize, "size of the dictionary at most, in bytes")
	flag.Parse()
	if err := run(*out, *size, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out string, size int, roots []string) error {
	byKind := map[string][][]byte{}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if err := collect(byKind, text); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	text := history(byKind, size)
	fmt.Printf("%d kinds, dictionary of %d bytes\n", len(byKind), len(text))
	return os.WriteFile(out, text, 0o644)
}

// collect adds the resources of one file, compact and with their members in order.
func collect(byKind map[string][][]byte, text []byte) error {
	var r struct {
		ResourceType string
		Action       string // of an AuditEvent
		Entry        []struct{ Resource json.RawMessage }
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	if r.ResourceType != "Bundle" {
		var b bytes.Buffer
		if err := json.Compact(&b, text); err != nil {
			return err
		}
		kind := r.ResourceType + r.Action
		byKind[kind] = append(byKind[kind], b.Bytes())
		return nil
	}
	for _, e := range r.Entry {
		if err := collect(byKind, e.Resource); err != nil {
			return err
		}
	}
	return nil
}

// history is the text that bodies can refer to: in rounds one sample of each kind that still fits, in
// each round first of the kind with the most samples.
func history(byKind map[string][][]byte, size int) []byte {
	kinds := slices.Sorted(maps.Keys(byKind))
	slices.SortStableFunc(kinds, func(a, b string) int { return len(byKind[b]) - len(byKind[a]) })
	var parts [][]byte
	total := 0
	for round := 0; ; round++ {
		any := false
		for _, t := range kinds {
			if round >= len(byKind[t]) {
				continue
			}
			any = true
			if s := byKind[t][round]; total+len(s) < size {
				parts = append(parts, s)
				total += len(s) + len("\n")
			}
		}
		if !any {
			return bytes.Join(parts, []byte("\n"))
		}
	}
}
