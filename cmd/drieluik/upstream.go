package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/drieluik/drieluik/auth/upstream"
)

// providers reads the file of logins elsewhere; none without one. Files that it names lie beside it.
func (s settings) providers() ([]*upstream.Provider, error) {
	if s.Upstream == "" {
		return nil, nil
	}
	src, err := os.ReadFile(s.Upstream)
	if err != nil {
		return nil, errors.New("upstream: the file cannot be read; check the path")
	}
	list, err := upstream.Parse(src)
	if err != nil {
		return nil, err
	}
	out := make([]*upstream.Provider, len(list))
	for i, c := range list {
		out[i], err = upstream.New(c, time.Now, func(name string) ([]byte, error) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(filepath.Dir(s.Upstream), name)
			}
			return os.ReadFile(name)
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
