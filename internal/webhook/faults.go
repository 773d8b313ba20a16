package webhook

import "github.com/postern-id/postern/internal/fault"

// Faults of webhooks.
var (
	ErrInvalid = &fault.Error{
		Kind: fault.Invalid, Code: "webhookInvalid",
		Text: "The webhook can't be saved like this.",
	}
	ErrUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "webhookUnknown",
		Text: "There is no such webhook.", Remedy: "List the webhooks of the tenant.",
	}
	ErrMany = &fault.Error{
		Kind: fault.Invalid, Code: "webhookMany",
		Text: "A tenant has at most 20 webhooks.", Remedy: "Delete one that is no longer used.",
	}
	ErrOff = &fault.Error{
		Kind: fault.Conflict, Code: "webhookOff",
		Text: "The webhook is turned off.", Remedy: "Turn it on first.",
	}
	ErrDeliveryUnknown = &fault.Error{
		Kind: fault.NotFound, Code: "deliveryUnknown",
		Text: "There is no such delivery.", Remedy: "List the deliveries of the webhook; they are kept for 30 days.",
	}
)
