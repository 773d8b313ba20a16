// Package story plays, by itself and against the real parts, the day that this product is
// for: a person's device PIN breaks, the helpdesk issues a pass, they come in by web sign-in,
// set a new PIN on the spot, and nothing is lost. It uses what people use, and nothing else:
// the pages of a lock screen and of the server, as a browser without scripts, and Graph with
// a helpdesk agent's own token. `postern dev --story` prints it.
package story

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent/virtual/visitor"
	"github.com/postern-id/postern/internal/graphclient"
)

// A Stage is where the story plays. Every field is required.
type Stage struct {
	Server string // public URL
	Tenant string // id
	HTTP   *http.Client
	// Admin can issue passes for everybody, and has this one.
	Admin string
	Pass  graphclient.Secret
	// LockScreen opens the lock screen of a device that has joined, and Device is its name.
	LockScreen, Device string
	// Helpdesk issues the pass for Person, who is the one whose PIN breaks.
	Helpdesk, Person string
	// Home is where a person's files are on the device, by their user name.
	Home func(userName string) string
	Tell func(Scene)
}

// A Scene is one step of the story, as it went.
type Scene struct {
	At    time.Time
	Took  time.Duration
	Title string
	// Lines are what there was to see.
	Lines []string
	Err   error // why the story ends here
}

// play is a story that is being played.
type play struct {
	ctx   context.Context //nolint:containedctx // the story is one call
	stage Stage
	http  *http.Client
	began time.Time

	admin, helpdesk *desk
	user            graphclient.Object // the person
	browser         *visitor.Browser   // of the device
	first, second   string             // PINs
	pass            string
	files           map[string][sha256.Size]byte
	lines           []string
}

// Play plays the story, tells each scene, and returns what went wrong in the last one.
func Play(ctx context.Context, s Stage) error {
	p := &play{ctx: ctx, stage: s, http: s.HTTP, began: time.Now().Add(-time.Second)}
	for _, scene := range []struct {
		title string
		act   func() error
	}{
		{"The administrator lets the helpdesk and a person in", p.prepare},
		{"On the first day the person signs in at the lock screen, by web sign-in with a pass", p.firstDay},
		{"A wizard offers a PIN, and the person sets one", p.firstPIN},
		{"They lock the screen and come back with the PIN", p.usePIN},
		{"The PIN container on the device is damaged", p.breakPIN},
		{"The PIN is refused, though it is right", p.refused},
		{"The person calls the helpdesk, which issues a one-time pass", p.issue},
		{"The person chooses the globe, types name and pass, and is in", p.comeBack},
		{"Without another prompt the wizard offers a new PIN", p.newPIN},
		{"They lock the screen and come back with the new PIN", p.useNewPIN},
		{"The old PIN opens nothing, and the pass is spent", p.nothingElse},
		{"Nothing was lost", p.nothingLost},
		{"The log tells every step", p.logs},
	} {
		p.lines = nil
		at := time.Now()
		err := scene.act()
		s.Tell(Scene{At: at, Took: time.Since(at), Title: scene.title, Lines: p.lines, Err: err})
		if err != nil {
			return fmt.Errorf("%s: %w", strings.ToLower(scene.title[:1])+scene.title[1:], err)
		}
	}
	return nil
}

func (p *play) say(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

// What the passes are issued for.
const (
	reasonFirst  = "first day"
	reasonBroken = "PIN damaged"
)

// prepare gives everybody what they begin with.
func (p *play) prepare() error {
	var err error
	if p.admin, err = p.sit(p.stage.Admin, p.stage.Pass.Reveal()); err != nil {
		return fmt.Errorf("the administrator: %w", err)
	}
	if p.user, err = p.admin.User(p.ctx, p.stage.Person); err != nil {
		return err
	}
	pass, err := p.admin.pass(p.ctx, p.stage.Helpdesk, "shift begins")
	if err != nil {
		return err
	}
	if p.helpdesk, err = p.sit(p.stage.Helpdesk, pass); err != nil {
		return fmt.Errorf("the helpdesk: %w", err)
	}
	p.say("%s works with Graph, by a token of their own", p.stage.Helpdesk)
	if p.pass, err = p.helpdesk.pass(p.ctx, p.stage.Person, reasonFirst); err != nil {
		return err
	}
	if p.first, err = newPIN(); err != nil {
		return err
	}
	p.second, err = newPIN()
	return err
}

// newPIN draws a PIN that the rules allow: six digits without a simple order.
func newPIN() (string, error) {
	for {
		n, err := rand.Int(rand.Reader, big.NewInt(1e6))
		if err != nil {
			return "", err
		}
		digits := fmt.Sprintf("%06d", n)
		if len(slices.Compact(slices.Sorted(slices.Values([]byte(digits))))) >= 5 {
			return digits, nil
		}
	}
}

// firstDay begins on a device that nobody's PIN is on.
func (p *play) firstDay() error {
	var err error
	if p.browser, err = visitor.New(p.ctx, p.http.Transport); err != nil {
		return err
	}
	if err := p.browser.Open(p.stage.LockScreen); err != nil {
		return err
	}
	if err := p.expect("lock"); err != nil {
		return err
	}
	if err := p.bench("wipe"); err != nil && !errors.Is(err, errNothingToBreak) {
		return err
	}
	return p.webSignIn()
}

// webSignIn goes from the lock screen through the identity provider's pages to the wizard.
func (p *play) webSignIn() error {
	b := p.browser
	if err := p.chooseGlobe(); err != nil {
		return err
	}
	if b.At.Scheme != "https" {
		return fmt.Errorf("the globe leads to %s (%s %s)", b.At.Path, b.Step(), b.Trouble())
	}
	p.say("the lock screen opened the server’s own page, %s", b.At.Host)
	if err := b.SignIn(p.stage.Person, p.pass); err != nil {
		return err
	}
	p.say("typed %s and the pass", p.stage.Person)
	return p.expect("register")
}

func (p *play) firstPIN() error { return p.setPIN(p.first) }
func (p *play) newPIN() error   { return p.setPIN(p.second) }

func (p *play) setPIN(pin string) error {
	if err := p.browser.Fill(map[string]string{"pin": pin, "repeat": pin}); err != nil {
		return err
	}
	if err := p.expect("desktop"); err != nil {
		return err
	}
	p.say("the desktop is there")
	if p.files == nil {
		var err error
		p.files, err = p.sums()
		return err
	}
	return nil
}

func (p *play) usePIN() error    { return p.lockAndUnlock(p.first) }
func (p *play) useNewPIN() error { return p.lockAndUnlock(p.second) }

func (p *play) lockAndUnlock(pin string) error {
	if err := p.lock(); err != nil {
		return err
	}
	if err := p.typePIN(pin); err != nil {
		return err
	}
	if err := p.expect("desktop"); err != nil {
		return err
	}
	p.say("the desktop is there")
	return nil
}

func (p *play) lock() error {
	if err := p.browser.Fill(map[string]string{"do": "lock"}); err != nil {
		return err
	}
	return p.expect("lock")
}

func (p *play) breakPIN() error {
	if err := p.lock(); err != nil {
		return err
	}
	if err := p.bench("corrupt"); err != nil {
		return err
	}
	p.say("one byte of its file was flipped; the lock screen is as it was")
	return nil
}

func (p *play) refused() error {
	if err := p.typePIN(p.first); err != nil {
		return err
	}
	if p.browser.Trouble() == "" {
		return fmt.Errorf("a damaged PIN led to %s (%s)", p.browser.At.Path, p.browser.Step())
	}
	p.say("the lock screen says %s", p.browser.Trouble())
	return nil
}

func (p *play) issue() error {
	var err error
	p.pass, err = p.helpdesk.pass(p.ctx, p.stage.Person, reasonBroken)
	p.say("%s issued it through Graph; it works once", p.stage.Helpdesk)
	return err
}

func (p *play) comeBack() error { return p.webSignIn() }

// nothingElse tries what must not work any more, then comes in by what does.
func (p *play) nothingElse() error {
	if err := p.lock(); err != nil {
		return err
	}
	if err := p.typePIN(p.first); err != nil {
		return err
	}
	if p.browser.Step() == "desktop" || p.browser.Trouble() == "" {
		return errors.New("the old PIN still opens the device")
	}
	p.say("the lock screen says %s to the old PIN", p.browser.Trouble())
	stranger, err := visitor.New(p.ctx, p.http.Transport)
	if err != nil {
		return err
	}
	if err := stranger.Open(p.stage.Server + "/security-info"); err != nil {
		return err
	}
	if err := stranger.SignIn(p.stage.Person, p.pass); err == nil {
		return errors.New("the one-time pass let somebody in a second time")
	}
	p.say("the server says %s to the pass", stranger.Trouble())
	if err := p.typePIN(p.second); err != nil {
		return err
	}
	return p.expect("desktop")
}

// sums are the person's files on the device, by name.
func (p *play) sums() (map[string][sha256.Size]byte, error) {
	all := map[string][sha256.Size]byte{}
	home := p.stage.Home(p.user.Text("mailNickname"))
	files := os.DirFS(home)
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		all[name] = sha256.Sum256(text)
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("nothing is in %s", home)
	}
	return all, err
}

func (p *play) nothingLost() error {
	now, err := p.sums()
	if err != nil {
		return err
	}
	for name, sum := range p.files {
		if now[name] != sum {
			return fmt.Errorf("%s is not what it was", name)
		}
	}
	p.say("%d files of the person are as they were", len(p.files))
	return nil
}

// expect checks what the page is for.
func (p *play) expect(step string) error {
	b := p.browser
	if b.Step() == step {
		return nil
	}
	return fmt.Errorf("the browser is at %s, a page for %q that says %q, and not at %q", b.At.Path, b.Step(), b.Trouble(), step)
}

var errNothingToBreak = errors.New("there is nothing to break")

// bench presses a button of the device's test bench, in another window.
func (p *play) bench(button string) error {
	window := *p.browser
	if err := window.Open("/bench"); err != nil {
		return err
	}
	if err := window.Fill(map[string]string{"break": button}); err != nil {
		return err
	}
	switch window.Trouble() {
	case "":
		return nil
	case "benchNoPIN":
		return errNothingToBreak
	}
	return fmt.Errorf("the test bench says %s", window.Trouble())
}

// chooseGlobe presses the globe of the person's doorway, or of other people's where the device
// does not know them.
func (p *play) chooseGlobe() error {
	b := p.browser
	if err := b.Follow(p.user.Text("displayName")); err != nil {
		if err := b.Follow("Other user"); err != nil {
			return err
		}
	}
	if err := b.Press("/web"); err != nil {
		return err
	}
	for range waits { // the lock screen says that the page is on its way
		if b.At.Scheme == "https" || b.Step() != "websignin" || b.Trouble() != "" {
			return nil
		}
		if err := graphclient.Wait(p.ctx, 200*time.Millisecond); err != nil {
			return err
		}
		if err := b.Open("/web"); err != nil {
			return err
		}
	}
	return nil
}

// waits is how often a page that is on its way is looked for.
const waits = 100

// typePIN types a PIN into the doorway, where the way of last time may be another one.
func (p *play) typePIN(pin string) error {
	b, field := p.browser, map[string]string{"pin": pin}
	if !b.Has(field) {
		if err := b.Follow("PIN"); err != nil {
			return err
		}
	}
	return b.Fill(field)
}
