//go:build !unix

package store

import (
	"errors"
	"os"
)

// lockFolder refuses: without a lock that dies with its process two servers could share a file.
func lockFolder(string) (*os.File, error) {
	return nil, errors.New("the embedded store needs the file locks of a Unix system")
}

func unlockFolder(f *os.File) error { return f.Close() }
