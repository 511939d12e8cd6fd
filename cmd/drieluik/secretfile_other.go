//go:build !unix

package main

import "io/fs"

// isPrivate cannot be told by the mode of a file here.
func isPrivate(fs.FileInfo) bool { return true }
