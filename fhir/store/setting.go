package store

import (
	"bytes"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Settings implements exchange.Lookups.
func (s *snapshot) Settings(prefix, after string, max int) ([]exchange.Setting, error) {
	var out []exchange.Setting
	from, behind := settingPrefix+prefix, settingPrefix+after
	end := from[:len(from)-1] + string(from[len(from)-1]+1) // the prefix is ASCII
	err := s.c.each(s.ctx, func(scan func(...any) error) error {
		var one exchange.Setting
		if err := scan(&one.Key, &one.Value); err != nil {
			return err
		}
		one.Key = one.Key[len(settingPrefix):]
		out = append(out, one)
		return nil
	}, `SELECT key,value FROM kv WHERE key>=? AND key<? AND key>? ORDER BY key LIMIT ?`, from, end, behind, max)
	return out, fhir.Wrap("store.Settings", err)
}

// setting stores a setting, or removes it.
func (t *tx) setting(set exchange.Setting) error {
	t.stale = append(t.stale, recentKey{key: set.Key})
	if set.Value == nil {
		return t.c.exec(`DELETE FROM kv WHERE key=?`, settingPrefix+set.Key)
	}
	return t.c.exec(`INSERT INTO kv VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value`, settingPrefix+set.Key, set.Value)
}

// sameSetting reports whether a setting is what it was.
func (t *tx) sameSetting(want *exchange.Setting) (bool, error) {
	var now []byte
	_, err := t.c.one(`SELECT value FROM kv WHERE key=?`, args(settingPrefix+want.Key), &now)
	return bytes.Equal(now, want.Value), err
}
