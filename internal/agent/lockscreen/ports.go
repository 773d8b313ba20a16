package lockscreen

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/internal/device"
)

// A Method is a way in.
type Method string

// The ways in.
const (
	PIN Method = "pin"
	Web Method = "web"
	Key Method = "key" // security key
)

// A Seat is where people sit: it shows the identity provider's page and opens sessions.
type Seat interface {
	// Redirect is the address on this machine where web sign-in comes back to: servers know
	// http://localhost with any port and no path. Where the screen's own browser goes there,
	// the screen takes the answer itself; else [Screen.Returned] is told of it.
	Redirect() string
	// Show shows a page of the identity provider. next is where the lock screen's own browser
	// goes: the page itself where there is but one browser, nothing where another one shows it.
	// ctx ends with the attempt.
	Show(ctx context.Context, p Page) (next string, err error)
	// Hide ends what Show began. It does not block and is harmless twice.
	Hide()
	// Open opens a session for somebody who has proved who they are. next is where the lock
	// screen's own browser goes then; nothing where the lock screen ends.
	Open(ctx context.Context, o Opening) (next string, err error)
	// Power switches the machine off or starts it anew, or is ErrNoPower.
	Power(ctx context.Context, a Action) error
	Facts() Facts
}

// A Page is one of the identity provider, shown for one attempt.
type Page struct {
	URL     string
	Attempt string
	Lang    string // of the lock screen: "en" or "de"
}

// An Opening is a session that is to be opened.
type Opening struct {
	Account device.Account
	By      Method
	Attempt string // correlation id of the sign-in
	Offline bool   // the server was not asked
	// Left is for how long a PIN works without the server, where it was not asked.
	Left time.Duration
	// Ends is when the PIN that was typed expires; zero while that is far.
	Ends time.Time
	// PINSet says that a new PIN was chosen on the way, and PINDue that the person may have one
	// on this device and has put it off.
	PINSet, PINDue bool
}

// An Action is what Power does.
type Action string

// The actions.
const (
	Restart Action = "restart"
	Off     Action = "off"
)

// Facts are how a seat is now.
type Facts struct {
	Name     string // such as seat0
	Locked   string // object id of whose session runs here; empty without one
	CanPower bool
}

// Network lets people choose a network before they sign in. Without one there is no picker.
type Network interface {
	State(ctx context.Context) (NetworkState, error)
	List(ctx context.Context) ([]AccessPoint, error)
	// Connect joins a network of List. secret is its passphrase, empty where it is known or not
	// needed. It returns when the machine is connected, or why it is not: ErrNetworkSecret,
	// ErrNetwork or an outage.
	Connect(ctx context.Context, id, secret string) error
}

// NetworkState is what the machine is connected to.
type NetworkState struct {
	Connected bool
	Name      string // of the network, such as Contoso-Office; empty for a cable
	Portal    bool   // it wants to show a page of its own before it lets anybody further
}

// An AccessPoint is a wireless network within reach.
type AccessPoint struct {
	ID       string
	Name     string
	Strength int  // percent
	Secured  bool // it has a passphrase
	Known    bool // this machine has been there
	Active   bool
}

// ErrNoPower is for seats that can't switch their machine off.
var ErrNoPower = errors.New("this seat has no power button")
