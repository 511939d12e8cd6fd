package packages

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// Bounds of one package: a hostile tarball costs no more.
const (
	maxPackage = 512 << 20 // bytes of all files, unpacked
	maxFile    = 64 << 20  // bytes of one file
	maxNodes   = 5_000_000 // of one resource
)

// Load adds the definitions of packages: each path is a folder (or one with a folder "package" in
// it) of .json and .ndjson files, or a .tgz as registries serve it. The error says which file cannot
// be used; it never repeats the file's content.
func (s *Set) Load(paths ...string) error {
	for _, p := range paths {
		if err := s.load(p); err != nil {
			return fmt.Errorf("package %s: %w", filepath.Base(p), err)
		}
	}
	return nil
}

// LoadFS adds the definitions in the top folder of a file system, such as an embedded one.
func (s *Set) LoadFS(fsys fs.FS) error {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return errUnreadable
	}
	left := int64(maxPackage)
	for _, e := range entries {
		if e.IsDir() || !wanted(e.Name()) {
			continue
		}
		f, err := fsys.Open(e.Name())
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name(), errUnreadable)
		}
		err = s.file(e.Name(), f, &left)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

var (
	errUnreadable = errors.New("cannot be read; check the path")
	errLarge      = errors.New("is larger than a package may be")
	errTar        = errors.New("is no .tgz of a FHIR package")
	errEmpty      = errors.New("holds no definitions; name the folder with the JSON files, or the .tgz")
)

func (s *Set) load(name string) error {
	before := s.Len()
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return errUnreadable
	case !info.IsDir():
		err = s.tarball(name)
	default:
		if inner, err := os.Stat(filepath.Join(name, "package")); err == nil && inner.IsDir() {
			name = filepath.Join(name, "package")
		}
		err = s.LoadFS(os.DirFS(name))
	}
	if err == nil && s.Len() == before {
		return errEmpty
	}
	return err
}

// tarball reads the files in the folder "package" of a .tgz.
func (s *Set) tarball(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return errUnreadable
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return errTar
	}
	left := int64(maxPackage)
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errTar
		}
		if left -= h.Size; left < 0 {
			return errLarge
		}
		if h.Typeflag != tar.TypeReg || path.Dir(path.Clean(h.Name)) != "package" || !wanted(path.Base(h.Name)) {
			continue
		}
		rest := int64(maxPackage)
		if err := s.file(path.Base(h.Name), t, &rest); err != nil {
			return err
		}
	}
}

// wanted reports whether a file may hold resources.
func wanted(name string) bool {
	return name != "package.json" && !strings.HasPrefix(name, ".") &&
		(strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".ndjson"))
}

// file adds the resource of a file, or one of each line. Other JSON is passed over.
func (s *Set) file(name string, r io.Reader, left *int64) error {
	src, err := io.ReadAll(io.LimitReader(r, min(maxFile, *left)+1))
	if err != nil {
		return fmt.Errorf("%s: %w", name, errUnreadable)
	}
	if *left -= int64(len(src)); *left < 0 || len(src) > maxFile {
		return fmt.Errorf("%s: %w", name, errLarge)
	}
	if !strings.HasSuffix(name, ".ndjson") {
		return s.resource(name, src)
	}
	for line := range bytes.Lines(src) {
		if err := s.resource(name, line); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) resource(name string, src []byte) error {
	if !bytes.Contains(src, []byte(`"resourceType"`)) {
		return nil
	}
	// Definitions of others are read with patience: some hold empty members.
	r, issues := fhir.ParseDocument(src, fhir.Limits{Bytes: maxFile, Nodes: maxNodes})
	if r == nil {
		return fmt.Errorf("%s is no FHIR resource: %s", name, issues[0].Text)
	}
	s.Add(r)
	return nil
}
