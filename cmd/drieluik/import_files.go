package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// importLimit bounds one record, so that it passes the socket of a running server.
const importLimit = 20_000_000

// importFile is a file with records.
type importFile struct {
	path string
	size int64
}

// importFiles lists the files that paths name: those of folders in the order of their names, hidden ones
// left out.
func importFiles(paths []string) ([]importFile, error) {
	var out []importFile
	for _, p := range paths {
		before := len(out)
		err := filepath.WalkDir(p, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return fmt.Errorf("cannot read %s; check the path", name)
			}
			hidden := name != p && strings.HasPrefix(d.Name(), ".")
			if d.IsDir() && hidden {
				return fs.SkipDir
			}
			if d.IsDir() || hidden || name != p && !isRecordFile(name) {
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return fmt.Errorf("cannot read %s; check the path", name)
			}
			out = append(out, importFile{name, info.Size()})
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(out) == before {
			return nil, fmt.Errorf("%s holds no .json or .ndjson files", p)
		}
	}
	return out, nil
}

func isRecordFile(name string) bool {
	ext := strings.ToLower(filepath.Ext(name))
	return ext == ".json" || ext == ".ndjson"
}

// readRecords gives every record of the files, in their order, until yield says no; last the resources that
// stand by themselves, together for each child.
func readRecords(files []importFile, base string, yield func(importRecord) bool) error {
	bare := &bareResources{at: map[fhir.Ref]int{}, names: map[fhir.Ref]fhir.Ref{}, base: base}
	for _, f := range files {
		read := readDocuments
		if strings.EqualFold(filepath.Ext(f.path), ".ndjson") {
			read = func(f importFile, yield func(importRecord) bool) (bool, error) { return readLines(f, bare, yield) }
		}
		on, err := read(f, yield)
		if err != nil || !on {
			return err
		}
	}
	return bare.records(yield)
}

// readDocuments gives the document of a file, or those of the array in it.
func readDocuments(f importFile, yield func(importRecord) bool) (bool, error) {
	rec := importRecord{file: f.path, size: f.size, lanes: []string{filepath.Dir(f.path)}}
	if f.size > importLimit {
		rec.bad = tooLarge()
		return yield(rec), nil
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		return false, fmt.Errorf("cannot read %s; check the path", f.path)
	}
	var several []json.RawMessage
	if !bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) || json.Unmarshal(b, &several) != nil {
		rec.body, rec.lanes = b, childNames(b, filepath.Dir(f.path))
		return yield(rec), nil
	}
	for i, one := range several {
		rec.line, rec.body, rec.lanes = i+1, one, childNames(one, filepath.Dir(f.path))
		if !yield(rec) {
			return false, nil
		}
		rec.size = 0
	}
	return true, nil
}

// readLines gives the record of each line, but for resources that stand by themselves.
func readLines(f importFile, bare *bareResources, yield func(importRecord) bool) (bool, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return false, fmt.Errorf("cannot read %s; check the path", f.path)
	}
	defer in.Close()
	lines := bufio.NewReaderSize(in, 1<<20)
	offset := int64(0)
	for n := 1; ; n++ {
		line, size, err := readLine(lines)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return false, fmt.Errorf("cannot read %s; check the file", f.path)
		}
		rec := importRecord{file: f.path, line: n, size: size, lanes: []string{f.path}, body: line}
		if size > importLimit {
			rec.bad = tooLarge()
		}
		if (len(bytes.TrimSpace(line)) > 0 || rec.bad != nil) && !bare.take(rec, offset) {
			rec.lanes = childNames(line, f.path)
			if !yield(rec) {
				return false, nil
			}
		}
		offset += size
		if last {
			return true, nil
		}
	}
}

// readLine reads a line of any length, and keeps at most importLimit bytes of it.
func readLine(r *bufio.Reader) (line []byte, size int64, err error) {
	for {
		piece, err := r.ReadSlice('\n')
		size += int64(len(piece))
		if size <= importLimit {
			line = append(line, piece...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, size, err
		}
	}
}

func tooLarge() *fhir.Issue {
	return &fhir.Issue{
		Severity: fhir.SeverityError, Code: "too-long", Diagnostics: "import-size",
		Text: fmt.Sprintf("This record is larger than %d MB; send it in parts.", importLimit/1_000_000),
	}
}
