package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// profile asks the server for a profile of its processors while a workload runs, when one is wanted. The channel
// gives the error, or nil, when it is written.
func (b *bench) profile(ctx context.Context, id string, clients int) <-chan error {
	done := make(chan error, 1)
	if b.o.Profile == "" {
		done <- nil
		return done
	}
	name := filepath.Join(b.o.Profile, fmt.Sprintf("%s-%d.pprof", id, clients))
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", b.site.admin, max(1, int(b.o.Seconds)))
	go func() { done <- fetch(ctx, url, name) }()
	return done
}

// heap writes what the server holds in memory, when profiles are wanted.
func (b *bench) heap(ctx context.Context, id string) error {
	if b.o.Profile == "" {
		return nil
	}
	return fetch(ctx, fmt.Sprintf("http://%s/debug/pprof/heap", b.site.admin), filepath.Join(b.o.Profile, id+"-heap.pprof"))
}

// fetch writes what an address answers into a file.
func fetch(ctx context.Context, url, name string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server gives no profile: %s", resp.Status)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, resp.Body)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
