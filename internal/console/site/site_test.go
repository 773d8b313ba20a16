package site_test

import (
	"testing"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/console/site"
)

func TestEveryPageParsesInEveryLanguage(t *testing.T) {
	v, err := console.NewView(time.Now, site.Sections())
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Check(); err != nil {
		t.Error(err)
	}
}

// A server starts, and each of its tests does: pages are not parsed before somebody wants one.
func BenchmarkNewView(b *testing.B) {
	for b.Loop() {
		if _, err := console.NewView(time.Now, site.Sections()); err != nil {
			b.Fatal(err)
		}
	}
}
