package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/drieluik/drieluik/auth/upstream"
)

// providers are the logins elsewhere. Files that a file of them names lie beside it.
func (s settings) providers() ([]*upstream.Provider, error) {
	list, err := s.upstreams()
	if err != nil {
		return nil, err
	}
	out := make([]*upstream.Provider, len(list))
	for i, c := range list {
		out[i], err = upstream.New(c, time.Now, func(name string) ([]byte, error) {
			if s.Upstream != "" && !filepath.IsAbs(name) {
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
