package store_test

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// TestAClosedFolderIsFreeAtOnce: a process that is being started has the files of this one until it runs.
func TestAClosedFolderIsFreeAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, name := range files {
		if to, err := os.Readlink(name); err != nil || to != filepath.Join(dir, "drieluik.lock") {
			continue
		}
		fd, err := strconv.Atoi(filepath.Base(name))
		if err == nil {
			fd, err = syscall.Dup(fd)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fd)
		kept++
	}
	if err := s.Close(); err != nil || kept != 1 {
		t.Fatalf("%d files of the lock, %v", kept, err)
	}
	openAt(t, dir)
}
