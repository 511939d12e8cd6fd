// Package child maps the record kind (mks.md 3.2): the child, its network, custody, team and insurance, and
// keeps apart what another organisation than the child's custodian says of its rights (2.6).
package child
