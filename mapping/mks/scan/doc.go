// Package scan maps the record hulpbehoeftescan (mks.md 3.4): the answers as a form, and a Condition of each
// need.
package scan
