/** The drawings every icon refers to, once in the page: 24 grid, stroke 1.75, round ends; the way on 26 × 14. */
export const Sprite = () => (
  <svg class="sprite" aria-hidden="true">
    <symbol id="i-logo" viewBox="0 0 32 32">
      <path d="M1.3 27.5 11.900 11.400C13.800 8.500 14.800 6 14.900 3.100c0-.9 1-1.400 1.800-.9l6.600 4.500c.7.5.6 1.600-.3 1.900-2.600.8-4.600 2.400-6.500 5L4 29.300c-1.200 1.600-3.800-.1-2.700-1.800Z" />
      <path d="M19.200 14.600c.8-1.200 2.400-1.200 3.200 0l8.100 11.900c.9 1.300 0 3-1.600 3H11.300c-1.600 0-2.500-1.700-1.600-3Z" />
    </symbol>
    <symbol id="i-search" viewBox="0 0 24 24">
      <circle cx="10.8" cy="10.8" r="6.3" />
      <path d="m15.5 15.5 4.5 4.5" />
    </symbol>
    <symbol id="i-add" viewBox="0 0 24 24">
      <path d="M12 5v14M5 12h14" />
    </symbol>
    <symbol id="i-send" viewBox="0 0 24 24">
      <path d="M12 19.5v-14M6 11l6-6 6 6" />
    </symbol>
    <symbol id="i-more" viewBox="0 0 24 24">
      <g fill="currentColor" stroke="none">
        <circle cx="5.5" cy="12" r="1.7" />
        <circle cx="12" cy="12" r="1.7" />
        <circle cx="18.5" cy="12" r="1.7" />
      </g>
    </symbol>
    <symbol id="i-back" viewBox="0 0 24 24">
      <path d="M14.5 5.5 8 12l6.5 6.5" />
    </symbol>
    <symbol id="i-verified" viewBox="0 0 24 24">
      <path d="M12 3.3 5 6v5.3c0 4.3 2.9 7.6 7 9.4 4.1-1.8 7-5.1 7-9.4V6Z" />
      <path d="m8.8 11.9 2.3 2.3 4.2-4.4" />
    </symbol>
    <symbol id="i-lan" viewBox="0 0 24 24">
      <path d="M3.5 11.5 12 4.5l8.5 7M6 9.6v9.9h12V9.6" />
      <path d="M10 19.5v-5h4v5" />
    </symbol>
    <symbol id="i-direct" viewBox="0 0 24 24">
      <circle cx="5.5" cy="12" r="2.5" />
      <circle cx="18.5" cy="12" r="2.5" />
      <path d="M8 12h8" />
    </symbol>
    <symbol id="i-relay" viewBox="0 0 24 24">
      <circle cx="4.8" cy="16.5" r="2.3" />
      <circle cx="12" cy="7" r="2.3" />
      <circle cx="19.2" cy="16.5" r="2.3" />
      <path d="m6.2 14.6 4.4-5.8M13.4 8.8l4.4 5.8" />
    </symbol>
    <symbol id="i-wait" viewBox="0 0 24 24">
      <circle cx="12" cy="12" r="8" />
      <path d="M12 7.5V12l3 2" />
    </symbol>
    <symbol id="i-letter" viewBox="0 0 24 24">
      <rect x="3.5" y="6" width="17" height="12.5" rx="1.8" />
      <path d="m4.500 7.500 7.500 6 7.500-6" />
    </symbol>
    <symbol id="i-warn" viewBox="0 0 24 24">
      <path d="M10.7 5.3 3.5 17.5a1.5 1.5 0 0 0 1.3 2.3h14.4a1.5 1.5 0 0 0 1.3-2.3L13.3 5.3a1.5 1.5 0 0 0-2.6 0Z" />
      <path d="M12 10v4M12 16.7h.01" />
    </symbol>
    <symbol id="i-check" viewBox="0 0 24 24">
      <path d="m5 12.8 4.6 4.700L19 7.500" />
    </symbol>
    <symbol id="i-copy" viewBox="0 0 24 24">
      <rect x="8.5" y="8.5" width="11" height="11.5" rx="1.8" />
      <path d="M15.5 8.3V5.8A1.8 1.8 0 0 0 13.7 4H6.3a1.8 1.8 0 0 0-1.8 1.8v8.4A1.8 1.8 0 0 0 6.3 16h2" />
    </symbol>
    <symbol id="i-chats" viewBox="0 0 24 24">
      <path d="M5.8 5h12.4A1.8 1.8 0 0 1 20 6.8v8.4a1.8 1.8 0 0 1-1.8 1.8H11l-4.5 3.3V17h-.7A1.8 1.8 0 0 1 4 15.2V6.8A1.8 1.8 0 0 1 5.8 5Z" />
    </symbol>
    <symbol id="i-people" viewBox="0 0 24 24">
      <circle cx="9" cy="8.5" r="3.2" />
      <path d="M3.3 19a5.7 5.7 0 0 1 11.4 0M15.5 5.7a3.2 3.2 0 0 1 0 5.7M17.3 14a5.6 5.6 0 0 1 3.4 5" />
    </symbol>
    <symbol id="i-ridge" viewBox="0 0 24 24">
      <path d="m2.8 18.5 6.7-11 4.2 7 2.4-3.7 5.1 7.7Z" />
    </symbol>
    <symbol id="i-settings" viewBox="0 0 24 24">
      <path d="M4 7.5h8M17.5 7.5H20M4 16.5h2.5M12 16.5h8" />
      <circle cx="14.7" cy="7.5" r="2.6" />
      <circle cx="9.2" cy="16.5" r="2.6" />
    </symbol>
    <symbol id="i-way-here" viewBox="0 0 26 14">
      <path d="M4 11.5C8 2.5 18 2.5 22 11.5" stroke-opacity=".38" />
      <circle cx="3.6" cy="11" r="2.6" fill="currentColor" stroke="none" />
    </symbol>
    <symbol id="i-way-sent" viewBox="0 0 26 14">
      <path d="M4 11.5C7 4.75 13.4 3.06 17.6 6.1" />
      <path d="M17.6 6.1C19.3 7.3 20.9 9.1 22 11.5" stroke-opacity=".38" />
      <circle cx="17.8" cy="6.2" r="2.6" fill="currentColor" stroke="none" />
    </symbol>
    <symbol id="i-way-carried" viewBox="0 0 26 14">
      <path d="M4 11.5C6 7 9.5 4.75 13 4.75" />
      <path d="M13 4.75C16.5 4.75 20 7 22 11.5" stroke-opacity=".38" />
      <circle cx="13" cy="4.6" r="3" fill="currentColor" stroke="none" />
    </symbol>
    <symbol id="i-way-delivered" viewBox="0 0 26 14">
      <path d="M4 11.5C8 2.5 18 2.5 22 11.5" />
      <circle cx="22.4" cy="11" r="2.6" fill="currentColor" stroke="none" />
    </symbol>
    <symbol id="i-way-read" viewBox="0 0 26 14">
      <path d="M4 11.5C8 2.5 18 2.5 22 11.5" />
      <path d="M7.8 11.5C10.3 7 14.9 7 17.3 11" />
      <circle cx="22.4" cy="11" r="2.6" fill="currentColor" stroke="none" />
    </symbol>
    <symbol id="i-way-stuck" viewBox="0 0 26 14">
      <path d="M4 11.5C8 2.5 18 2.5 22 11.5" stroke-opacity=".38" />
      <circle cx="3.6" cy="11" r="2.6" fill="currentColor" stroke="none" />
      <path d="M13 1.2v7" stroke-width="2.2" />
    </symbol>
    <symbol id="i-way-failed" viewBox="0 0 26 14">
      <path d="M4 11.5C8 2.5 18 2.5 22 11.5" stroke-opacity=".38" />
      <path d="m1.6 8.6 4.6 4.6m0-4.6-4.6 4.6" stroke-width="1.8" />
    </symbol>
    <symbol id="i-reply" viewBox="0 0 24 24">
      <path d="M9.5 6 4 11.500l5.500 5.500M4.500 11.500H14a6 6 0 0 1 6 6v1" />
    </symbol>
    <symbol id="i-close" viewBox="0 0 24 24">
      <path d="m6 6 12 12M18 6 6 18" />
    </symbol>
  </svg>
)
