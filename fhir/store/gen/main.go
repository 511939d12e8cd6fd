// Command gen makes the zstd dictionary of fhir/store from the project's own fictional records:
//
//	drieluik convert testdata/mks/boris/01-kind.json > samples/boris-01.json   (and so on)
//	go run ./fhir/store/gen -id 1 -out fhir/store/dictionary-1.zstd samples
//
// Every resource in the JSON files below the arguments is a sample: Bundles are taken apart. A
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

	"github.com/klauspost/compress/zstd"
)

func main() {
	id := flag.Uint("id", 1, "id of the dictionary")
	out := flag.String("out", "", "file to write")
	size := flag.Int("size", 48<<10, "size of the text in the dictionary, in bytes")
	flag.Parse()
	if err := run(uint32(*id), *out, *size, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(id uint32, out string, size int, roots []string) error {
	byType := map[string][][]byte{}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if err := collect(byType, text); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	dict, err := zstd.BuildDict(zstd.BuildDictOptions{
		ID: id, Contents: slices.Concat(slices.Collect(maps.Values(byType))...), History: history(byType, size),
		Offsets: [3]int{1, 4, 8}, Level: zstd.SpeedFastest,
	})
	if err != nil {
		return fmt.Errorf("make dictionary: %w", err)
	}
	fmt.Printf("%d types, dictionary of %d bytes\n", len(byType), len(dict))
	return os.WriteFile(out, dict, 0o644)
}

// collect adds the resources of one file, compact and with their members in order.
func collect(byType map[string][][]byte, text []byte) error {
	var r struct {
		ResourceType string
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
		byType[r.ResourceType] = append(byType[r.ResourceType], b.Bytes())
		return nil
	}
	for _, e := range r.Entry {
		if err := collect(byType, e.Resource); err != nil {
			return err
		}
	}
	return nil
}

// history is the text that bodies can refer to: in rounds one sample of each type that still fits.
// What comes first stands last, where it is cheapest to refer to; in each round that is the type
// with the most samples.
func history(byType map[string][][]byte, size int) []byte {
	types := slices.Sorted(maps.Keys(byType))
	slices.SortStableFunc(types, func(a, b string) int { return len(byType[b]) - len(byType[a]) })
	var parts [][]byte
	total := 0
	for round := 0; ; round++ {
		any := false
		for _, t := range types {
			if round >= len(byType[t]) {
				continue
			}
			any = true
			if s := byType[t][round]; total+len(s) <= size {
				parts = append(parts, s)
				total += len(s)
			}
		}
		if !any {
			slices.Reverse(parts)
			return slices.Concat(parts...)
		}
	}
}
