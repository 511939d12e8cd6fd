package auth

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// String returns the canonical list, separated by single spaces.
func (s Scopes) String() string {
	out := make([]string, 0, len(s.words)+len(s.entries))
	out = append(out, s.words...)
	for _, e := range s.entries {
		out = append(out, e.String())
	}
	return strings.Join(out, " ")
}

// Empty reports whether s grants nothing.
func (s Scopes) Empty() bool { return len(s.entries) == 0 && len(s.words) == 0 }

// Words returns the granted tokens that name no resource, such as "openid".
func (s Scopes) Words() []string { return slices.Clone(s.words) }

// Has reports whether the token without a resource is granted.
func (s Scopes) Has(word string) bool { return slices.Contains(s.words, word) }

// Allows reports whether some scope of the level reaches t with the letter (one of c, r, u, d, s),
// perhaps under conditions.
func (s Scopes) Allows(level string, t fhir.Type, letter byte) bool {
	want := letterSet(string(letter))
	return slices.ContainsFunc(s.entries, func(e scope) bool {
		return e.level == level && e.reaches(t) && e.letters&want != 0
	})
}

// Intersect returns what both s and o grant (smart.md 4.3).
func (s Scopes) Intersect(o Scopes) Scopes {
	var out Scopes
	for _, w := range s.words {
		if o.Has(w) {
			out.words = append(out.words, w)
		}
	}
	for _, a := range s.entries {
		for _, b := range o.entries {
			if e, ok := a.intersect(b); ok {
				out.entries = append(out.entries, e)
			}
		}
	}
	return out.canonical()
}

// Union returns what s or o grants.
func (s Scopes) Union(o Scopes) Scopes {
	return Scopes{
		entries: append(slices.Clone(s.entries), o.entries...),
		words:   append(slices.Clone(s.words), o.words...),
	}.canonical()
}

// SubsetOf reports whether o grants all that s grants, entry by entry and letter by letter.
func (s Scopes) SubsetOf(o Scopes) bool {
	for _, w := range s.words {
		if !o.Has(w) {
			return false
		}
	}
	for _, e := range s.entries {
		left := e.letters
		for _, b := range o.entries {
			if b.covers(e) {
				left &^= b.letters
			}
		}
		if left != 0 {
			return false
		}
	}
	return true
}

// Expand replaces the wildcard type of a level by the types (smart.md 4.3: patient/* and user/* are
// never granted as such).
func (s Scopes) Expand(level string, types []fhir.Type) Scopes {
	out := Scopes{words: s.words}
	for _, e := range s.entries {
		if e.level != level || e.kind != "*" {
			out.entries = append(out.entries, e)
			continue
		}
		for _, t := range types {
			out.entries = append(out.entries, scope{level: level, kind: string(t), letters: e.letters})
		}
	}
	return out.canonical()
}

// Level returns the resource scopes of one level.
func (s Scopes) Level(level string) Scopes {
	var out Scopes
	for _, e := range s.entries {
		if e.level == level {
			out.entries = append(out.entries, e)
		}
	}
	return out
}

func (e scope) String() string {
	var b strings.Builder
	b.WriteString(e.level + "/" + e.kind + "." + e.letters.String())
	for i, item := range e.query {
		b.WriteByte("?&"[min(i, 1)])
		b.WriteString(item.param + "=")
		for j, c := range item.codes {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(c.String())
		}
	}
	return b.String()
}

func (c scopeCode) String() string {
	if c.any {
		return escapeScope(c.code)
	}
	return escapeScope(c.system) + "|" + escapeScope(c.code)
}

// escapeScope percent-encodes what may not stand bare in a scope value, and leaves URLs readable.
func escapeScope(s string) string {
	return strings.NewReplacer("+", "%20", "%2F", "/", "%3A", ":").Replace(url.QueryEscape(s))
}

// reaches reports whether e is about t.
func (e scope) reaches(t fhir.Type) bool { return e.kind == "*" || e.kind == string(t) }

// intersect returns what both entries grant, and false when that is nothing.
func (e scope) intersect(o scope) (scope, bool) {
	out := scope{level: e.level, kind: e.kind, letters: e.letters & o.letters}
	if e.level != o.level || out.letters == 0 {
		return scope{}, false
	}
	if e.kind == "*" {
		out.kind = o.kind
	}
	if o.kind != "*" && o.kind != out.kind {
		return scope{}, false
	}
	out.query = slices.Clone(e.query)
	for _, item := range o.query {
		i := slices.IndexFunc(out.query, func(q scopeItem) bool { return q.param == item.param })
		if i < 0 {
			out.query = append(out.query, item)
			continue
		}
		common := commonCodes(out.query[i].codes, item.codes)
		if len(common) == 0 {
			return scope{}, false
		}
		out.query[i] = scopeItem{param: item.param, codes: common}
	}
	return out, true
}

// commonCodes returns the codes that both lists name; "code" takes in "system|code".
func commonCodes(a, b []scopeCode) []scopeCode {
	var out []scopeCode
	for _, x := range a {
		for _, y := range b {
			if x.covers(y) {
				out = append(out, y)
			} else if y.covers(x) {
				out = append(out, x)
			}
		}
	}
	return out
}

// covers reports whether every token that matches o matches c.
func (c scopeCode) covers(o scopeCode) bool { return c == o || c.any && c.code == o.code }

// covers reports whether every resource that o lets pass, e lets pass too. Letters are not looked at.
func (e scope) covers(o scope) bool {
	if e.level != o.level || e.kind != "*" && e.kind != o.kind {
		return false
	}
	for _, item := range e.query {
		i := slices.IndexFunc(o.query, func(q scopeItem) bool { return q.param == item.param })
		if i < 0 || !item.takesIn(o.query[i]) {
			return false
		}
	}
	return true
}

// takesIn reports whether i names all codes of o.
func (i scopeItem) takesIn(o scopeItem) bool {
	for _, c := range o.codes {
		if !slices.ContainsFunc(i.codes, func(x scopeCode) bool { return x.covers(c) }) {
			return false
		}
	}
	return true
}

// canonical sorts s, merges the letters of equal entries, and drops letters that a wider entry of
// the same type grants already.
func (s Scopes) canonical() Scopes {
	out := Scopes{words: slices.Clone(s.words)}
	slices.Sort(out.words)
	out.words = slices.Compact(out.words)
	entries := make([]scope, 0, len(s.entries))
	for _, e := range s.entries {
		e.query = canonicalQuery(e.query)
		i := slices.IndexFunc(entries, func(x scope) bool { return compareScopes(x, e) == 0 })
		if i < 0 {
			entries = append(entries, e)
			continue
		}
		entries[i].letters |= e.letters
	}
	for _, e := range entries {
		for _, w := range entries {
			if w.kind == e.kind && compareScopes(w, e) != 0 && w.covers(e) {
				e.letters &^= w.letters
			}
		}
		if e.letters != 0 {
			out.entries = append(out.entries, e)
		}
	}
	slices.SortFunc(out.entries, compareScopes)
	return out
}

// canonicalQuery sorts conditions and codes and drops codes that another one takes in.
func canonicalQuery(query []scopeItem) []scopeItem {
	if len(query) == 0 {
		return nil
	}
	out := make([]scopeItem, 0, len(query))
	for _, item := range query {
		var codes []scopeCode
		for _, c := range item.codes {
			wider := func(x scopeCode) bool { return x != c && x.covers(c) }
			if !slices.Contains(codes, c) && !slices.ContainsFunc(item.codes, wider) {
				codes = append(codes, c)
			}
		}
		slices.SortFunc(codes, func(a, b scopeCode) int { return cmp.Compare(a.String(), b.String()) })
		out = append(out, scopeItem{param: item.param, codes: codes})
	}
	slices.SortFunc(out, func(a, b scopeItem) int { return cmp.Compare(a.param, b.param) })
	return out
}

// compareScopes orders entries by level, type and conditions; letters do not count.
func compareScopes(a, b scope) int {
	a.letters, b.letters = 1, 1
	return cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(a.kind, b.kind), cmp.Compare(a.String(), b.String()))
}

// passes reports whether a resource with these index rows meets every condition of e.
// Semantics of R4 token search: a missing element meets none.
func (e scope) passes(rows []search.Row) bool {
	for _, item := range e.query {
		if !slices.ContainsFunc(rows, item.matches) {
			return false
		}
	}
	return true
}

func (i scopeItem) matches(row search.Row) bool {
	if row.Param != i.param {
		return false
	}
	for _, c := range i.codes {
		if row.Value == c.code && (c.any || row.System == c.system) {
			return true
		}
	}
	return false
}

// clauses returns the conditions of e as search clauses.
func (e scope) clauses() []search.Clause {
	out := make([]search.Clause, 0, len(e.query))
	for _, item := range e.query {
		c := search.Clause{Param: item.param, Kind: search.Token}
		for _, code := range item.codes {
			c.Values = append(c.Values, search.Value{System: code.system, AnySystem: code.any, Value: code.code})
		}
		out = append(out, c)
	}
	return out
}
