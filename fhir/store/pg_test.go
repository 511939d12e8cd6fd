package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// openPostgres opens the store of an address.
func openPostgres(t testing.TB, address string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), address, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestStoreContractOnPostgres(t *testing.T) {
	pg := storetest.StartPostgres(t)
	addresses := map[string]string{}
	storetest.Run(t, func(t *testing.T) exchange.Store {
		if addresses[t.Name()] == "" {
			addresses[t.Name()] = pg.NewStore(t)
		}
		return openPostgres(t, addresses[t.Name()], store.Options{})
	})
}
