// Package plan maps the records zorgplan (mks.md 3.5) and evaluatie (3.6): the plan, who does what, signatures
// that bring it into force, and what evaluations say of its goals.
package plan
