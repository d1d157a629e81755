/** The window's root: one client, one session, the app. */
import './styles/index.css'
import { render } from 'solid-js/web'
import { App } from './app.tsx'
import { startNodeClient } from './node-client.ts'
import { NodeContext } from './node-context.ts'
import { createSession } from './primitives/create-session.ts'
import { Sprite } from './parts/sprite.tsx'

const place = document.getElementById('app')
if (!place) throw new Error('index.html has no #app')

const client = startNodeClient()
render(
  () => (
    <NodeContext.Provider value={createSession(client)}>
      <Sprite />
      <App />
    </NodeContext.Provider>
  ),
  place,
)
