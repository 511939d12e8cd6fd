package smart

// Cheap lets the accounts hash with next to no work, so that tests can log in often. A hash made so
// does not match otherwise.
func (u *Users) Cheap() *Users {
	u.hash.memory, u.hash.passes = 64, 1
	return u
}
