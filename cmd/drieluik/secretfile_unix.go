//go:build unix

package main

import (
	"io/fs"
	"syscall"
)

// isPrivate reports whether a file of a secret is for its owner alone. One of root may be read by its group
// too: that is how an orchestrator hands a secret to a process that is not root.
func isPrivate(info fs.FileInfo) bool {
	allowed := fs.FileMode(0o600)
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid == 0 {
		allowed = 0o640
	}
	return info.Mode().Perm()&^allowed == 0
}
