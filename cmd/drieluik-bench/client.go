package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// client talks to one server, or in turn to several behind one public URL, and keeps its connections.
type client struct {
	base string   // the public URL
	at   []string // of each process; none: base
	http *http.Client
}

// process is where a worker sends its requests.
func (c *client) process(w *worker) string {
	if len(c.at) == 0 {
		return c.base
	}
	return c.at[w.n%len(c.at)]
}

func newClient(base string) *client {
	return &client{base: base, http: &http.Client{
		Timeout: 60 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// request is one request; a path below the server's URL.
type request struct {
	method string // "": GET
	path   string
	token  string
	media  string
	body   []byte
}

// call sends a request and reads the whole answer into the worker's buffer, which the next call
// uses again. A status other than 2xx is an error.
func (c *client) call(ctx context.Context, w *worker, r request) ([]byte, error) {
	if r.method == "" {
		r.method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.process(w)+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	if r.media != "" {
		req.Header.Set("Content-Type", r.media)
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	buf := bytes.NewBuffer(w.buf[:0])
	if _, err := io.Copy(buf, res.Body); err != nil {
		return nil, err
	}
	w.buf = buf.Bytes()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, fmt.Errorf("%s %.40s answered %d: %.300s", r.method, r.path, res.StatusCode, w.buf)
	}
	return w.buf, nil
}
