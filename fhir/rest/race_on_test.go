//go:build race

package rest_test

// thin is by how much the long tests do less: the race detector makes each step several times slower, and
// looks for other faults than they do.
const thin = 10
