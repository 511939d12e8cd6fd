package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
)

var errClosed = errors.New("store is closed")

// pool lends connections to readers. The one last given back goes out first: its pages and
// statements are warm, and connections that load does not call for are never opened.
type pool struct {
	db     driver.Connector
	gate   gate
	lent   chan struct{} // one element per connection that is out
	closed chan struct{}

	mu   sync.Mutex
	idle []*conn
}

func newPool(db driver.Connector, readers int) *pool {
	return &pool{db: db, lent: make(chan struct{}, readers), closed: make(chan struct{})}
}

// take waits for a connection. give must follow unless there is an error.
func (p *pool) take(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-p.closed:
		return nil, errClosed
	default:
	}
	select {
	case p.lent <- struct{}{}:
	case <-p.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := p.gate.enter(ctx); err != nil {
		<-p.lent
		return nil, err
	}
	if c := p.pop(); c != nil {
		return c, nil
	}
	c, err := newConn(ctx, p.db)
	if err != nil {
		p.gate.leave()
		<-p.lent
		return nil, err
	}
	return c, nil
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return c
}

// give gives a connection back. One that is not whole may hold a transaction: it is closed.
func (p *pool) give(c *conn, whole bool) error {
	var err error
	if whole {
		p.mu.Lock()
		p.idle = append(p.idle, c)
		p.mu.Unlock()
	} else {
		err = c.close()
	}
	p.gate.leave()
	<-p.lent
	return err
}

// close refuses new readers, waits for those that are inside, and closes the connections.
func (p *pool) close() error {
	close(p.closed)
	for range cap(p.lent) {
		p.lent <- struct{}{}
	}
	var errs []error
	for c := p.pop(); c != nil; c = p.pop() {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}
