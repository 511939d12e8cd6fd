// Command gen trains the zstd dictionary of fhir/store on the project's own fictional records:
//
//	go run ./fhir/store/gen -id 1 -out fhir/store/dictionary-1.zstd testdata/mks testdata/vectors …
//
// Every JSON file below the arguments is a sample, and so is every resource inside it. A dictionary
// that has been in a release never changes; train the next id instead.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"
)

func main() {
	id := flag.Uint("id", 1, "id of the dictionary")
	out := flag.String("out", "", "file to write")
	size := flag.Int("size", 32<<10, "size of the dictionary in bytes")
	flag.Parse()
	if err := run(uint32(*id), *out, *size, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(id uint32, out string, size int, roots []string) error {
	var samples [][]byte
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var v any
			if err := json.Unmarshal(b, &v); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			samples = append(samples, split(v)...)
			return nil
		})
		if err != nil {
			return err
		}
	}
	b, err := dict.BuildZstdDict(samples, dict.Options{
		MaxDictSize: size, HashBytes: 6, ZstdDictID: id, ZstdLevel: zstd.SpeedFastest,
	})
	if err != nil {
		return fmt.Errorf("train on %d samples: %w", len(samples), err)
	}
	fmt.Printf("%d samples, dictionary of %d bytes\n", len(samples), len(b))
	return os.WriteFile(out, b, 0o644)
}

// split returns the compact text of every resource or source document in v.
func split(v any) [][]byte {
	var found [][]byte
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			found = append(found, split(e)...)
		}
	case map[string]any:
		if x["resourceType"] != nil && x["resourceType"] != "Bundle" || x["schema"] != nil {
			b, err := json.Marshal(x)
			if err == nil && len(b) < 64<<10 {
				return append(found, b)
			}
		}
		for _, e := range x {
			found = append(found, split(e)...)
		}
	}
	return found
}
