/** The people of the design's pages, so that what is looked at and what is tested is the same. */
import type { Contact } from '../../src/node/api.ts'
import { FakeNode, type FakeStart } from './fake-node.ts'

export interface Valley {
  readonly node: FakeNode
  readonly ilinca: Contact
  readonly samira: Contact
  readonly margaux: Contact
  readonly matei: Contact
}

export function valley(start: FakeStart = {}): Valley {
  const node = new FakeNode({ now: Date.now() - 90_000_000, ...start })
  const ilinca = node.person({
    name: 'Ilinca',
    ownName: 'Ilinca, prefectură',
    verified: true,
    lastSeen: new Date(Date.now() - 4_000_000).toISOString(),
    reason: 'not-reached',
  })
  const samira = node.person({ name: 'Samira', via: 'lan' })
  const margaux = node.person({ name: 'Margaux', verified: true, via: 'direct' })
  const long = node.person({ name: 'Équipe de coordination transfrontalière des secours en montagne' })
  const matei = node.person({ name: 'Matei', state: 'invited', reason: 'invite-pending' })
  node.person({ name: 'Zsófia', via: 'relayed' })
  node.receive(
    ilinca.id,
    'Bună dimineața! Am primit harta actualizată de la Inspectoratul pentru Situații de Urgență; drumul dintre Zărnești și Plaiul Foii rămâne închis circulației până sâmbătă la prânz.',
  )
  node.wrote(ilinca.id, 'Thanks. I will tell the French team.', { state: 'read' })
  node.skip(84_000_000)
  node.receive(ilinca.id, 'Here is where we meet: https://example.org/harta?x=1&y=2.')
  const noted = node.receive(ilinca.id, 'The bridge at the sawmill holds only light cars.')
  node.wrote(ilinca.id, 'Noted. We take the north road, then, and leave the second truck at the sawmill.', {
    state: 'delivered',
    replyTo: noted.id,
  })
  node.skip(400_000)
  node.unread.set(ilinca.id, 0)
  node.receive(
    ilinca.id,
    'I go up to the hut now, no signal there until two. Send me the volunteers’ list and the aerial photos when you have them.',
  )
  node.skip(400_000)
  node.wrote(
    ilinca.id,
    'Voici la liste des bénévoles, avec leurs numéros de radio.\nJ’ai gardé ceux qui ont un véhicule à quatre roues motrices en haut.',
    { state: 'sent' },
  )
  node.skip(400_000)
  node.wrote(ilinca.id, 'Ortofotoplan: tomorrow.', { reason: 'not-reached' })
  node.receive(samira.id, 'وصلت الشاحنة إلى الجسر، والطريق سالكة')
  node.receive(samira.id, 'نلتقي عند الساعة 18:30 في Zărnești، قرب المدرسة.')
  node.receive(margaux.id, 'Tu confirmes pour demain ?')
  node.unread.set(margaux.id, 0)
  node.drafts.set(margaux.id, 'Je te confirme que le préfet sera là')
  node.wrote(long.id, 'The plan for tonight', { state: 'delivered' })
  node.beNearby([
    { peer: 'peer-luc', name: 'Luc' },
    { peer: 'peer-samira', name: 'Samira' },
  ])
  return { node, ilinca, samira, margaux, matei }
}
