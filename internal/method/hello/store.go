package hello

import (
	"context"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/outbox"
)

// Store keeps containers. What it promises is tested by package hellotest.
type Store interface {
	Counter

	// PassIssuer returns the display name of who issued a pass of a person, empty when the pass
	// is gone.
	PassIssuer(ctx context.Context, tenant directory.TenantID, user directory.UserID, pass string) (string, error)
	// Container returns a container, or ErrNone.
	Container(ctx context.Context, tenant directory.TenantID, id string) (Container, error)
	// ContainerOf returns the container whose key is registered as the method, or ErrNone.
	ContainerOf(ctx context.Context, tenant directory.TenantID, method string) (Container, error)
	// ContainersOf returns a person's registered containers, by id of the method.
	ContainersOf(ctx context.Context, tenant directory.TenantID, user directory.UserID) ([]Container, error)

	// BeginContainer stores c in place of any that the person began on that device and did not
	// finish. It is directory.ErrUserUnknown or directory.ErrDeviceUnknown when one is gone or
	// switched off.
	BeginContainer(ctx context.Context, c Container) error
	// RegisterKey stores the key of c, which was begun, removes the person's former container
	// on that device with what came from its PIN, ends bootstrap passes that nobody needs any
	// more, queues the mails and records e; or does none of it. A repeat with the same key changes nothing and
	// returns the container that is there. Another key is ErrRegistered, one that is not there
	// any more ErrNone. Bootstrap passes end when the person is a Global Administrator: their
	// own, and the one that was made with the tenant, unless they were used or are for many
	// uses (docs/threat-model.md, rule 7); ended makes the event of each, of a person's pass.
	RegisterKey(ctx context.Context, c Container, e audit.Event, ended func(user directory.UserID, pass string) audit.Event, mails ...outbox.Item) (Container, error)
	// BeginRotation notes next at the registered container, unless one that is usable still is
	// under way there, and returns the container as it is then. ErrNone when there is none.
	BeginRotation(ctx context.Context, c Container, next Rotation) (Container, error)
	// RotateKey puts next, which has a new key under a newer root, in the place of former and
	// records e; or does neither. Sessions and tokens of the method go on. A repeat with the same
	// key changes nothing and returns what is there. When the container has another key than
	// former, or its rotation is another one, it is ErrCurrent; when it is gone, ErrNone.
	RotateKey(ctx context.Context, former, next Container, e audit.Event) (Container, error)
	// RemoveContainer deletes a container, begun or registered, ends what came from its PIN,
	// and records e; or does none of it. ErrNone when there is none. The event of one that
	// was never registered is not recorded.
	RemoveContainer(ctx context.Context, c Container, at time.Time, e audit.Event) error
}
