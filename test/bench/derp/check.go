package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"tailscale.com/derp"
	"tailscale.com/derp/derphttp"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// checkResult says what the real client saw; the test asserts on it.
type checkResult struct {
	ServerKey        string
	MetaCertificate  bool // an extra certificate named derpkey…, which makes the client start fast
	TLSVersion       string
	Relayed          bool
	RelayedLarge     bool
	RelayedToSelf    bool
	Ponged           bool
	NotHereForDisco  bool
	SilentForData    bool
	GoneAfterLeaving bool
	WatchedArrival   bool
	WatchedDeparture bool
	ClosedByMesh     bool
}

var disco = append([]byte("TS\xf0\x9f\x92\xac"), make([]byte, 56)...)

// peer is a client whose messages arrive on a channel.
type peer struct {
	*derphttp.Client
	key      key.NodePublic
	messages chan derp.ReceivedMessage
}

func newPeer(node *tailcfg.DERPNode, private key.NodePrivate, prepare func(*derphttp.Client)) (*peer, error) {
	client, err := dial(node, private, prepare)
	if err != nil {
		return nil, err
	}
	p := &peer{client, private.Public(), make(chan derp.ReceivedMessage, 64)}
	first, err := client.Recv()
	if err != nil {
		return nil, err
	}
	if _, ok := first.(derp.ServerInfoMessage); !ok {
		return nil, fmt.Errorf("first message is %T, not the server's info", first)
	}
	go func() {
		defer close(p.messages)
		for {
			m, err := client.Recv()
			if err != nil {
				return
			}
			if packet, ok := m.(derp.ReceivedPacket); ok { // its bytes live only until the next Recv
				packet.Data = bytes.Clone(packet.Data)
				m = packet
			}
			p.messages <- m
		}
	}()
	return p, nil
}

// await returns the first message that wanted accepts, or an error after five seconds.
func await[T derp.ReceivedMessage](p *peer, wanted func(T) bool) error {
	deadline := time.After(5 * time.Second)
	for {
		select {
		case m, open := <-p.messages:
			if !open {
				return errors.New("connection ended")
			}
			if t, ok := m.(T); ok && wanted(t) {
				return nil
			}
		case <-deadline:
			var zero T
			return fmt.Errorf("no %T within five seconds", zero)
		}
	}
}

func packetFrom(source key.NodePublic, data []byte) func(derp.ReceivedPacket) bool {
	return func(m derp.ReceivedPacket) bool { return m.Source == source && bytes.Equal(m.Data, data) }
}

func check(node *tailcfg.DERPNode, meshKey string, large int) (*checkResult, error) {
	result := new(checkResult)
	a, err := newPeer(node, key.NewNode(), nil)
	if err != nil {
		return nil, err
	}
	b, err := newPeer(node, key.NewNode(), nil)
	if err != nil {
		return nil, err
	}
	result.ServerKey = a.ServerPublicKey().UntypedHexString()
	if state, ok := a.TLSConnectionState(); ok {
		result.TLSVersion = tls.VersionName(state.Version)
		for _, cert := range state.PeerCertificates {
			result.MetaCertificate = result.MetaCertificate || cert.Subject.CommonName == "derpkey"+result.ServerKey
		}
	}
	result.Relayed, result.RelayedLarge, result.RelayedToSelf = relays(a, b, 100), relays(a, b, large), relays(a, a, 1)

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ponged := make(chan error, 1)
	go func() { ponged <- a.Ping(ctx) }()
	result.Ponged = <-ponged == nil

	stranger := key.NewNode().Public()
	a.Send(stranger, []byte("data"))
	result.SilentForData = relays(a, a, 2) && len(a.messages) == 0
	a.Send(stranger, disco)
	result.NotHereForDisco = await(a, func(m derp.PeerGoneMessage) bool {
		return m.Peer == stranger && m.Reason == derp.PeerGoneReasonNotHere
	}) == nil

	if meshKey != "" {
		if err := checkMesh(node, meshKey, result); err != nil {
			return nil, err
		}
	}
	left := a.key
	a.Close()
	result.GoneAfterLeaving = await(b, func(m derp.PeerGoneMessage) bool {
		return m.Peer == left && m.Reason == derp.PeerGoneReasonDisconnected
	}) == nil
	b.Close()
	return result, nil
}

func relays(from, to *peer, size int) bool {
	data := bytes.Repeat([]byte{7}, size)
	if err := from.Send(to.key, data); err != nil {
		return false
	}
	return await(to, packetFrom(from.key, data)) == nil
}

func checkMesh(node *tailcfg.DERPNode, meshKey string, result *checkResult) error {
	parsed, err := key.ParseDERPMesh(meshKey)
	if err != nil {
		return err
	}
	watcher, err := newPeer(node, key.NewNode(), func(c *derphttp.Client) {
		c.MeshKey = parsed
		c.WatchConnectionChanges = true
	})
	if err != nil {
		return err
	}
	defer watcher.Close()
	guest, err := newPeer(node, key.NewNode(), nil)
	if err != nil {
		return err
	}
	result.WatchedArrival = await(watcher, func(m derp.PeerPresentMessage) bool {
		return m.Key == guest.key && m.Flags == derp.PeerPresentIsRegular && m.IPPort.IsValid()
	}) == nil
	watcher.ClosePeer(guest.key)
	result.WatchedDeparture = await(watcher, func(m derp.PeerGoneMessage) bool { return m.Peer == guest.key }) == nil
	for range guest.messages { // drains until the server hangs up
	}
	result.ClosedByMesh = true
	return nil
}
