//go:build !race

package rest_test

// thin is by how much the long tests do less.
const thin = 1
