package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// noAdmin is the value of --admin-listen with which there is no listener for the operator.
const noAdmin = "off"

// adminListener opens the listener for the operator; nil when there shall be none.
func adminListener(s settings) (net.Listener, error) {
	if s.AdminListen == noAdmin || s.AdminListen == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", s.AdminListen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s for metrics; is another server there? Choose another --admin-listen, or off", s.AdminListen)
	}
	return l, nil
}

// admin answers the operator on l until ctx ends: metrics, profiles and how each part is. It knows no tokens,
// so that its address is for the operator alone.
func (a *app) admin(ctx context.Context, l net.Listener) {
	r := chi.NewRouter()
	r.Handle("/metrics", promhttp.HandlerFor(a.meters.registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelError)}))
	r.Get("/healthz", a.healthy)
	r.Get("/readyz", a.readyDetail)
	r.HandleFunc("/debug/pprof/*", pprof.Index)
	r.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	r.HandleFunc("/debug/pprof/profile", pprof.Profile)
	r.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	r.HandleFunc("/debug/pprof/trace", pprof.Trace)
	srv := &http.Server{
		Handler: r, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	go func() {
		<-ctx.Done()
		_ = srv.Close() // a profile that is running has no end worth waiting for
	}()
	if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		a.log.Error("the listener of the operator ended", "error", err.Error())
	}
}

// partState is how one part of the server is.
type partState struct {
	Name    string  `json:"name"`
	Ready   bool    `json:"ready"`
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
}

// readyDetail tells of each part whether it answers, how fast, and what is wrong with it.
func (a *app) readyDetail(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	out := struct {
		Release string      `json:"release"`
		Ready   bool        `json:"ready"`
		Parts   []partState `json:"parts"`
	}{Release: release, Ready: true}
	for _, p := range a.parts() {
		start := time.Now()
		err := p.answers(ctx)
		one := partState{Name: p.name, Ready: err == nil, Seconds: time.Since(start).Seconds()}
		if err != nil {
			one.Error, out.Ready = err.Error(), false
		}
		out.Parts = append(out.Parts, one)
	}
	status := http.StatusOK
	if !out.Ready {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out) // nobody is left to tell
}
