package greeter

import (
	"context"
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/postern-id/postern/internal/agent/greeter/fence"
	"github.com/postern-id/postern/internal/agent/greeter/kiosk"
	"github.com/postern-id/postern/internal/agent/greeter/wayland"
	"github.com/postern-id/postern/internal/fault"
)

// A page is web sign-in's browser, behind its fence. It waits until it is told what to show,
// and shows one thing.
type page struct {
	site    kiosk.Site
	lang    string
	rules   fence.Rules
	ctx     context.Context // ends with the page
	next    chan string     // what it shows
	shown   atomic.Bool
	browser *kiosk.Browser
	end     context.CancelFunc
	done    chan struct{}
}

// fits reports whether the page may be used for a site as policy has it now.
func (p *page) fits(s kiosk.Site, lang string) bool {
	return !p.gone() && lang == p.lang && reflect.DeepEqual(s, p.site)
}

// gone reports whether the page ended, perhaps while it waited.
func (p *page) gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// close ends the page, and returns when it is gone.
func (p *page) close() {
	p.end()
	<-p.done
}

// newPage starts a browser that waits.
func (g *Greeter) newPage(w *wire, site kiosk.Site, lang string) (*page, error) {
	policy, err := kiosk.SignInPolicy(site)
	if err != nil {
		return nil, err
	}
	server, err := fence.Authority(site.Server)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &page{
		site: site, lang: lang, rules: fence.Rules{Server: server, Hosts: site.Hosts, Redirect: site.Redirect},
		ctx: ctx, next: make(chan string, 1), end: cancel, done: make(chan struct{}),
	}
	s := g.sandbox(kiosk.Web, policy, site.Redirect+fence.BeginPath, lang)
	s.Devices = devices()
	if p.browser, err = kiosk.Elsewhere(ctx, g.o.Web, s); err != nil {
		cancel()
		return nil, err
	}
	proxy := p.fence(g, w)
	proxy.Asked = p.browser.Asked
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		g.doors(ctx, p.browser, func(l net.Listener) {
			if err := proxy.Serve(ctx, l); err != nil && !errors.Is(err, net.ErrClosed) {
				g.o.Log.Error("fence", "err", err)
			}
		})
	}()
	go func() {
		defer close(p.done)
		why := p.browser.Watch(ctx)
		if p.shown.Load() {
			g.o.Front(false)
		}
		cancel()
		<-shown
		switch {
		case why != nil && p.shown.Load():
			go g.tell(context.Background(), w, callCrashed, why)
		case why != nil:
			go g.browser(context.Background(), w, why)
			g.idle.Reset(tryAgainAfter)
		}
	}()
	return p, nil
}

// fence is the one way out of the page.
func (p *page) fence(g *Greeter, w *wire) *fence.Proxy {
	var told once
	return &fence.Proxy{
		Rules: p.rules,
		Begin: func(ctx context.Context) (string, bool) {
			go g.browser(ctx, w, nil) // it came as far as a page
			select {
			case <-ctx.Done():
				return "", false
			case next := <-p.next:
				return next, true
			}
		},
		Returned: func(ctx context.Context, answer url.Values) bool {
			var ours bool
			err := w.call(ctx, callReturned, returned{answer.Encode()}, &ours)
			return err == nil && ours
		},
		Refused: func(host string, why error) {
			if !p.shown.Load() || !told.first(host) { // what browsers ask for by themselves is no news
				return
			}
			in := refused{Host: host}
			if f, ok := errors.AsType[*fault.Error](why); ok {
				in.Code = f.Code
			}
			_, _, _ = w.send(callRefused, in) // for the log
		},
	}
}

// doors serves a browser's pages by serve, and its windows by the compositor, until ctx or the
// browser ends.
func (g *Greeter) doors(ctx context.Context, b *kiosk.Browser, serve func(net.Listener)) {
	pages, windows, err := b.Doors()
	if err != nil {
		return // whoever watches the browser hears why
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() {
		wayland.Relay(ctx, windows, g.o.Display, func(err error) { g.o.Log.Warn("a browser is kept from the compositor", "err", err) })
	})
	all.Go(func() { serve(pages) })
	select {
	case <-ctx.Done():
	case <-b.Gone():
	}
	cancel()
	_ = pages.Close()
	all.Wait()
}

// devices are the security keys and cameras that this user may use now.
func devices() []string {
	var all []string
	for _, pattern := range []string{"/dev/hidraw*", "/dev/video*"} {
		found, err := filepath.Glob(pattern)
		if err == nil {
			all = append(all, found...)
		}
	}
	return all
}

// mostTold is how many hosts are logged for one page, which could ask for any number.
const mostTold = 50

// once knows what came before.
type once struct {
	mu   sync.Mutex
	seen map[string]bool
}

// first reports whether text comes for the first time, and not too much came already.
func (o *once) first(text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen[text] || len(o.seen) >= mostTold {
		return false
	}
	if o.seen == nil {
		o.seen = map[string]bool{}
	}
	o.seen[text] = true
	return true
}
