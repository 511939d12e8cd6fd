// Package consent maps the record toestemming (mks.md 3.9) and judges who may give it, and until when.
package consent
