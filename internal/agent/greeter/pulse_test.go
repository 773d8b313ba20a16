package greeter

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAPageThatFallsSilentHangs(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*pulse)
		want bool
	}{
		{"it never spoke", func(*pulse) {}, false},
		{"it fell silent", func(p *pulse) { p.beat(false) }, true},
		{"it goes on", func(p *pulse) {
			for range 30 {
				p.beat(false)
				time.Sleep(5 * time.Second)
			}
			p.end()
		}, false},
		{"nobody sees it any more", func(p *pulse) { p.beat(false); p.beat(true) }, false},
		{"it is seen again, and silent", func(p *pulse) { p.beat(true); p.beat(false) }, true},
		{"its browser has ended", func(p *pulse) { p.beat(false); p.end(); p.beat(false) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hung := 0
				p := &pulse{hangs: func() { hung++ }}
				c.do(p)
				time.Sleep(time.Hour)
				synctest.Wait()
				if (hung == 1) != c.want || hung > 1 {
					t.Errorf("it hangs %d times", hung)
				}
			})
		})
	}
}
